import { type nn, randn, tidy } from '@fovea/torch';
import { forwardIn, type Precision } from './precision.ts';

/**
 * Lets something make training steps on random images, to learn about time or memory, and leaves the model as it was: parameters,
 * statistics and gradients. Only its memory format may be another.
 *
 * @param work gets a function that makes one step with so many square images of `size` pixels
 */
export function withTrialSteps<T>(
  model: nn.Module,
  { size, device }: { size: number; device: string },
  work: (step: (images: number, precision: Precision) => void) => T,
): T {
  const before = [...model.namedBuffers()].map(([, buffer]) => [buffer, buffer.clone()] as const);
  const wasTraining = model.training;
  model.train();
  try {
    return work((images, precision) => {
      model.to({ memoryFormat: precision.memoryFormat });
      tidy(() => {
        const x = randn([images, 3, size, size], { device }).contiguous(precision.memoryFormat);
        const outputs = forwardIn(precision, device, () => model.forward(x));
        outputs.square().mean().backward();
      });
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
