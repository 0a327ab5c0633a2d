import { empty } from '../create.ts';
import * as ops from '../ops.generated.ts';
import { Parameter, type Tensor } from '../tensor.ts';
import * as init from './init.ts';
import { Module } from './module.ts';

/** One number for both directions, or [vertical, horizontal]. */
export type Size2d = number | [height: number, width: number];

export const pair = (size: Size2d): [number, number] => (typeof size === 'number' ? [size, size] : size);

interface Conv2dOptions {
  stride?: Size2d;
  padding?: Size2d;
  dilation?: Size2d;
  groups?: number;
  bias?: boolean;
}

/** Convolution `[N, in, H, W]` → `[N, out, H', W']`. Weight `[out, in / groups, kH, kW]`, initialised as PyTorch does. */
export class Conv2d extends Module {
  weight;
  bias;
  readonly stride;
  readonly padding;
  readonly dilation;
  readonly groups;

  /** @throws RangeError when the channels cannot be divided into the groups. */
  constructor(inChannels: number, outChannels: number, kernel: Size2d, options: Conv2dOptions = {}) {
    super();
    const { stride = 1, padding = 0, dilation = 1, groups = 1, bias = true } = options;
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new RangeError(`Conv2d: ${inChannels} and ${outChannels} channels do not divide into ${groups} groups`);
    }
    this.stride = pair(stride);
    this.padding = pair(padding);
    this.dilation = pair(dilation);
    this.groups = groups;
    this.weight = new Parameter(empty([outChannels, inChannels / groups, ...pair(kernel)]));
    this.bias = bias ? new Parameter(empty([outChannels])) : null;
    init.defaultWeightAndBias_(this.weight, this.bias);
  }

  forward(x: Tensor): Tensor {
    return ops.conv2d(x, this.weight, this.bias, this.stride, this.padding, this.dilation, this.groups);
  }
}
