import { Buffer, nn, ones, ops, type Tensor, zeros } from '@fovea/torch';

/**
 * Batch normalisation by statistics that never change, with a scale and shift that are not learned: what detectors use, as a
 * batch of one or two images says little about the statistics of a channel. All four tensors `[C]` are buffers.
 */
export class FrozenBatchNorm2d extends nn.Module {
  weight;
  bias;
  running_mean;
  running_var;
  readonly eps: number;

  /** @param eps added to the variance */
  constructor(channels: number, { eps = 1e-5 } = {}) {
    super();
    this.eps = eps;
    this.weight = new Buffer(ones([channels]));
    this.bias = new Buffer(zeros([channels]));
    this.running_mean = new Buffer(zeros([channels]));
    this.running_var = new Buffer(ones([channels]));
  }

  forward(x: Tensor): Tensor {
    return ops.batchNorm(x, this.weight, this.bias, this.running_mean, this.running_var, false, 0, this.eps, true);
  }
}
