import { type nn, TorchError } from '@fovea/torch';
import type { Hyperparameters } from '../spec/resolve-hyperparameters.ts';
import type { Precision } from './precision.ts';
import { type Rehearsal, withTrialSteps } from './trial-steps.ts';

/** Hyperparameters of a trial whose batch sizes are known. */
export type Sized<H> = H & { training_batch_size: number; validation_batch_size: number };

export type SizedHyperparameters = Sized<Hyperparameters>;

/** A small set in large batches would give too few updates: an epoch has so many steps where the data allows it. */
const STEPS_PER_EPOCH = 12;
const SMALLEST = 8;

/** The largest batch that so many training images should be taken in, a power of two. */
export const largestUsefulBatch = (images: number): number =>
  Math.max(SMALLEST, 2 ** Math.round(Math.log2(Math.max(1, images) / STEPS_PER_EPOCH)));

/**
 * The largest power of two of images that a training step finds memory for, found by trying: 2, 4, 8 … up to `most`. The model's
 * statistics are left as they were.
 *
 * @throws TorchError with `outOfMemory` when not even two images fit
 */
export function largestFittingBatch(
  model: nn.AnyModule,
  { rehearse, precision, most }: { rehearse: Rehearsal; precision: Precision; most: number },
): number {
  return withTrialSteps(model, rehearse, (step) => {
    let fits = 0;
    try {
      for (let images = 2; images <= Math.max(2, most); images *= 2) {
        step(images, precision);
        fits = images;
      }
    } catch (error) {
      if (fits === 0 || !(error instanceof TorchError && error.outOfMemory)) throw error;
    }
    return fits;
  });
}
