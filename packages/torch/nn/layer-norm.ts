import { ones, zeros } from '../create.ts';
import * as ops from '../ops.generated.ts';
import { Parameter, type Tensor } from '../tensor.ts';
import { Module } from './module.ts';

/** Normalises over the last dimensions, `shape` of them. Ba et al. 2016, https://arxiv.org/abs/1607.06450. */
export class LayerNorm extends Module {
  weight;
  bias;
  readonly shape: readonly number[];
  readonly eps: number;

  constructor(shape: number | readonly number[], { eps = 1e-5, affine = true } = {}) {
    super();
    this.shape = typeof shape === 'number' ? [shape] : shape;
    this.eps = eps;
    this.weight = affine ? new Parameter(ones([...this.shape])) : null;
    this.bias = affine ? new Parameter(zeros([...this.shape])) : null;
  }

  forward(x: Tensor): Tensor {
    return ops.layerNorm(x, [...this.shape], this.weight, this.bias, this.eps);
  }
}
