import { type nn, randn, type Tensor, tidy } from '@fovea/torch';
import { forwardIn, type Precision } from './precision.ts';

/** The loss of so many random images like those that a network is trained on. */
export type Rehearsal = (images: number, precision: Precision) => Tensor;

/** Of a network of one tensor to one tensor: square images of `size` pixels, and something that has a gradient. */
export const squaredOutputs =
  (model: nn.Module, { size, device }: { size: number; device: string }): Rehearsal =>
  (images, precision) => {
    const x = randn([images, 3, size, size], { device }).contiguous(precision.memoryFormat);
    return forwardIn(precision, device, () => model.forward(x))
      .square()
      .mean();
  };

/**
 * Lets something make training steps on random images, to learn about time or memory, and leaves the model as it was: parameters,
 * statistics and gradients. Only its memory format may be another.
 *
 * @param work gets a function that makes one step with so many images
 */
export function withTrialSteps<T>(
  model: nn.AnyModule,
  rehearse: Rehearsal,
  work: (step: (images: number, precision: Precision) => void) => T,
): T {
  const before = [...model.namedBuffers()].map(([, buffer]) => [buffer, buffer.clone()] as const);
  const wasTraining = model.training;
  model.train();
  try {
    return work((images, precision) => {
      model.to({ memoryFormat: precision.memoryFormat });
      tidy(() => rehearse(images, precision).backward());
      model.zeroGrad();
    });
  } finally {
    model.zeroGrad();
    for (const [buffer, saved] of before) {
      buffer.copy_(saved);
      saved.dispose();
    }
    if (!wasTraining) model.eval();
  }
}
