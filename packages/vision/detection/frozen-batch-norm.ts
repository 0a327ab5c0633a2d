import { Buffer, nn, ones, ops, type Tensor, tidy, zeros } from '@fovea/torch';
import type { Norm } from '../models/resnet.ts';

/**
 * Batch normalisation by statistics that never change, with a scale and shift that are not learned: what detectors use, as a
 * batch of one or two images says little about the statistics of a channel. All four tensors `[C]` are buffers.
 */
export class FrozenBatchNorm2d extends nn.Module implements Norm {
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

  /**
   * In training, a convolution with scaled weights: the same numbers but for rounding, without the passes over its result, and without
   * keeping that for the gradient. Otherwise one after the other, so that what is exported has the parameters as they are.
   */
  afterConvolution(convolution: nn.Conv2d, x: Tensor): Tensor {
    if (!this.training) return this.forward(convolution.forward(x));
    return tidy(() => {
      const scale = this.weight.mul(this.running_var.add(this.eps).rsqrt());
      const shift = this.bias.sub(this.running_mean.mul(scale));
      const { weight, bias, stride, padding, dilation, groups } = convolution;
      const scaled = weight.mul(scale.view([-1, 1, 1, 1]));
      return ops.conv2d(x, scaled, bias ? bias.mul(scale).add(shift) : shift, stride, padding, dilation, groups);
    });
  }
}
