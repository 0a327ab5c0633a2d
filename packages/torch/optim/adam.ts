import { zerosLike } from '../create.ts';
import * as ops from '../ops.generated.ts';
import type { Parameter, Tensor } from '../tensor.ts';
import { type Batch, type GroupOptions, Optimizer, type ParameterGroup } from './optimizer.ts';

export interface AdamOptions extends GroupOptions {
  /** Decay of the averages of the gradient and of its square. */
  betas: readonly [number, number];
  /** Added to the root of the averaged square. */
  eps: number;
  /** Divide by the largest averaged square so far. Reddi et al. 2018, https://openreview.net/forum?id=ryQu7f-RZ. */
  amsgrad: boolean;
  /** Climb instead of descend. */
  maximize: boolean;
}

type GivenOptions = Partial<AdamOptions>;

const DEFAULTS = { learningRate: 1e-3, betas: [0.9, 0.999], eps: 1e-8, amsgrad: false, maximize: false } as const;

/** Adam: steps of about the learning rate along averaged gradients. Kingma and Ba 2014, https://arxiv.org/abs/1412.6980. */
export class Adam extends Optimizer<AdamOptions> {
  constructor(parameters: Iterable<Parameter | ParameterGroup<AdamOptions>>, options: GivenOptions = {}) {
    super(parameters, { ...DEFAULTS, weightDecay: 0, ...options });
  }

  protected update(batch: Batch, options: AdamOptions): void {
    let gradients = options.maximize ? ops._foreachNeg(batch.gradients) : batch.gradients;
    if (options.weightDecay !== 0) gradients = ops._foreachAddList(gradients, batch.parameters, options.weightDecay);
    descend({ ...options, batch, gradients });
  }
}

/** Adam whose weight decay shrinks the weights themselves. Loshchilov and Hutter 2017, https://arxiv.org/abs/1711.05101. */
export class AdamW extends Optimizer<AdamOptions> {
  constructor(parameters: Iterable<Parameter | ParameterGroup<AdamOptions>>, options: GivenOptions = {}) {
    super(parameters, { ...DEFAULTS, weightDecay: 1e-2, ...options });
  }

  protected update(batch: Batch, options: AdamOptions): void {
    const gradients = options.maximize ? ops._foreachNeg(batch.gradients) : batch.gradients;
    ops._foreachMulScalar_(batch.parameters, 1 - options.learningRate * options.weightDecay);
    descend({ ...options, batch, gradients });
  }
}

interface Descent extends AdamOptions {
  batch: Batch;
  gradients: readonly Tensor[];
}

/** Algorithm 1 of the paper, in the order of operations that PyTorch uses. */
function descend({ batch, gradients, learningRate, betas: [beta1, beta2], eps, amsgrad }: Descent): void {
  const { parameters } = batch;
  const step = batch.step + 1;
  const averages = batch.state('exp_avg', parameters, zerosLike);
  const squares = batch.state('exp_avg_sq', parameters, zerosLike);
  ops._foreachMulScalar_(averages, beta1);
  ops._foreachAddList_(averages, gradients, 1 - beta1);
  ops._foreachMulScalar_(squares, beta2);
  ops._foreachAddcmulScalar_(squares, gradients, gradients, 1 - beta2);

  let divisors = squares;
  if (amsgrad) {
    divisors = batch.state('max_exp_avg_sq', parameters, zerosLike);
    ops._foreachMaximumList_(divisors, squares);
  }
  const roots = ops._foreachSqrt(divisors);
  ops._foreachDivScalar_(roots, Math.sqrt(1 - beta2 ** step));
  ops._foreachAddScalar_(roots, eps);
  ops._foreachAddcdivScalar_(parameters, averages, roots, -learningRate / (1 - beta1 ** step));
}
