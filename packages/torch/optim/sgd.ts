import * as ops from '../ops.generated.ts';
import type { Parameter } from '../tensor.ts';
import { type Batch, type GroupOptions, Optimizer, type ParameterGroup } from './optimizer.ts';

export interface SgdOptions extends GroupOptions {
  momentum: number;
  /** Share of a gradient that does not enter the momentum. */
  dampening: number;
  /** Look ahead along the momentum. Sutskever et al. 2013. */
  nesterov: boolean;
  /** Climb instead of descend. */
  maximize: boolean;
}

const DEFAULTS = { weightDecay: 0, momentum: 0, dampening: 0, nesterov: false, maximize: false };

/** Stochastic gradient descent, by PyTorch's definition: the learning rate scales the momentum, not what enters it. */
export class SGD extends Optimizer<SgdOptions> {
  /** @throws RangeError for Nesterov without momentum, or with dampening. */
  constructor(
    parameters: Iterable<Parameter | ParameterGroup<SgdOptions>>,
    options: Pick<SgdOptions, 'learningRate'> & Partial<SgdOptions>,
  ) {
    super(parameters, { ...DEFAULTS, ...options });
    for (const { nesterov, momentum, dampening } of this.groups) {
      if (nesterov && (momentum <= 0 || dampening !== 0)) {
        throw new RangeError('SGD: nesterov needs a momentum above 0 and no dampening');
      }
    }
  }

  protected update(
    batch: Batch,
    { learningRate, weightDecay, momentum, dampening, nesterov, maximize }: SgdOptions,
  ): void {
    let gradients = maximize ? ops._foreachNeg(batch.gradients) : batch.gradients;
    if (weightDecay !== 0) gradients = ops._foreachAddList(gradients, batch.parameters, weightDecay);
    if (momentum !== 0) {
      const buffers = batch.state('momentum_buffer', gradients, (gradient) => gradient.clone());
      if (batch.step > 0) {
        ops._foreachMulScalar_(buffers, momentum);
        ops._foreachAddList_(buffers, gradients, 1 - dampening);
      }
      gradients = nesterov ? ops._foreachAddList(gradients, buffers, momentum) : buffers;
    }
    ops._foreachAddList_(batch.parameters, gradients, -learningRate);
  }
}
