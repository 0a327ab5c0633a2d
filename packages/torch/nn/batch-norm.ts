import { noGrad } from '../autograd.ts';
import { ones, zeros } from '../create.ts';
import * as ops from '../ops.generated.ts';
import { Buffer, Parameter, type Tensor } from '../tensor.ts';
import { Module } from './module.ts';

interface BatchNormOptions {
  /** Added to the variance. */
  eps?: number;
  /** Weight of the newest batch in the running statistics; `null`: the average over all batches so far. */
  momentum?: number | null;
  /** A learned scale and shift per channel. */
  affine?: boolean;
  /** Without running statistics, evaluation too normalises by its batch. */
  trackRunningStats?: boolean;
}

/**
 * Normalises every channel of `[N, C, H, W]` to zero mean and unit variance: over the batch in training, by running
 * statistics in evaluation. Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167.
 */
export class BatchNorm2d extends Module {
  weight;
  bias;
  running_mean;
  running_var;
  num_batches_tracked;
  eps: number;
  momentum: number | null;

  constructor(channels: number, options: BatchNormOptions = {}) {
    super();
    const { eps = 1e-5, momentum = 0.1, affine = true, trackRunningStats = true } = options;
    this.eps = eps;
    this.momentum = momentum;
    this.weight = affine ? new Parameter(ones([channels])) : null;
    this.bias = affine ? new Parameter(zeros([channels])) : null;
    this.running_mean = trackRunningStats ? new Buffer(zeros([channels])) : null;
    this.running_var = trackRunningStats ? new Buffer(ones([channels])) : null;
    this.num_batches_tracked = trackRunningStats ? new Buffer(zeros([], { dtype: 'int64' })) : null;
  }

  forward(x: Tensor): Tensor {
    const byBatch = this.training || this.running_mean === null;
    return ops.batchNorm(
      x,
      this.weight,
      this.bias,
      this.running_mean,
      this.running_var,
      byBatch,
      this.#updateWeight(),
      this.eps,
      true,
    );
  }

  /** Counts the batch and returns its weight in the running statistics. */
  #updateWeight(): number {
    const batches = this.num_batches_tracked;
    if (!this.training || batches === null) return 0;
    noGrad(() => batches.add_(1));
    return this.momentum ?? 1 / batches.item();
  }
}
