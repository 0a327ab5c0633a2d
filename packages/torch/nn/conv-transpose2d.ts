import { empty } from '../create.ts';
import * as ops from '../ops.generated.ts';
import { Parameter, type Tensor } from '../tensor.ts';
import { pair, type Size2d } from './conv2d.ts';
import * as init from './init.ts';
import { Module } from './module.ts';

interface ConvTranspose2dOptions {
  stride?: Size2d;
  padding?: Size2d;
  bias?: boolean;
}

/**
 * The gradient of a convolution with respect to its input, as a layer: `[N, in, H, W]` → `[N, out, H', W']` with
 * H' = (H − 1) · stride − 2 · padding + kH. Weight `[in, out, kH, kW]`, initialised as PyTorch does.
 */
export class ConvTranspose2d extends Module {
  weight;
  bias;
  readonly stride;
  readonly padding;

  constructor(inChannels: number, outChannels: number, kernel: Size2d, options: ConvTranspose2dOptions = {}) {
    super();
    const { stride = 1, padding = 0, bias = true } = options;
    this.stride = pair(stride);
    this.padding = pair(padding);
    this.weight = new Parameter(empty([inChannels, outChannels, ...pair(kernel)]));
    this.bias = bias ? new Parameter(empty([outChannels])) : null;
    init.defaultWeightAndBias_(this.weight, this.bias);
  }

  forward(x: Tensor): Tensor {
    return ops.convTranspose2dInput(x, this.weight, this.bias, this.stride, this.padding);
  }
}
