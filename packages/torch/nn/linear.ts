import { empty } from '../create.ts';
import * as ops from '../ops.generated.ts';
import { Parameter, type Tensor } from '../tensor.ts';
import * as init from './init.ts';
import { Module } from './module.ts';

/** `x Wᵀ + b` over the last dimension: `[…, in]` → `[…, out]`. Weight `[out, in]`, initialised as PyTorch does. */
export class Linear extends Module {
  weight;
  bias;

  constructor(inFeatures: number, outFeatures: number, { bias = true } = {}) {
    super();
    this.weight = new Parameter(empty([outFeatures, inFeatures]));
    this.bias = bias ? new Parameter(empty([outFeatures])) : null;
    init.defaultWeightAndBias_(this.weight, this.bias);
  }

  forward(x: Tensor): Tensor {
    return ops.linear(x, this.weight, this.bias);
  }
}
