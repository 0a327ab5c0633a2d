import type { Hyperparameters } from '../spec/resolve-hyperparameters.ts';
import { largestUsefulBatch } from './batch-size.ts';

/** What a recipe is chosen by. */
export interface Circumstances {
  /** Training images. */
  images: number;
  /** Whether the weights that training starts from know images already. */
  pretrained: boolean;
  /** Stages that the model can freeze: with all of them frozen, only its head learns. */
  stages: number;
  /** The hyperparameters that the job itself names: these are never changed. */
  given: ReadonlySet<string>;
  /** Choose by the amount of data. Without it the documented defaults stay. */
  fitToData: boolean;
}

/** Without weights that know images already, a model needs more passes over the data and more patience (He et al. 2019, section 3). */
const FROM_SCRATCH = 3;

/**
 * Up to so many training images the backbone stays as it is and only the head learns. The weights of a backbone outnumber the images
 * of such a set by thousands, and fine-tuning distorts features that are good already (Kumar et al. 2022, https://arxiv.org/abs/2202.10054);
 * a linear head on ImageNet features is the strong method there (Kornblith et al. 2019, https://arxiv.org/abs/1805.08974, figure 5).
 */
const HEAD_ALONE = 500;

/** Fewest updates of a training on a small set, as BiT's rule counts a schedule in steps, not epochs (https://arxiv.org/abs/1912.11370). */
const LEAST_STEPS = 180;

/**
 * The hyperparameters that a trial trains with: those that depend on more than task and model, namely on how much data there is and on
 * whether the weights know something already. What the job itself names is never changed.
 *
 * | weights | images | |
 * | --- | --- | --- |
 * | random | any | three times the epochs and the patience, also in job files |
 * | pretrained | ≤ 500 | every stage is frozen; enough epochs for 180 updates |
 * | any | < 12 × the batch | a smaller batch; for pretrained weights a learning rate smaller by as much |
 */
export function recipe(hp: Hyperparameters, circumstances: Circumstances): Hyperparameters {
  const { images, pretrained, stages, given, fitToData } = circumstances;
  const chosen: Partial<Hyperparameters> = {};
  const longer = (factor: number) => {
    chosen.number_of_epochs = Math.ceil(hp.number_of_epochs * factor);
    chosen.early_stopping_patience = Math.ceil(hp.early_stopping_patience * factor);
  };
  if (!pretrained) longer(FROM_SCRATCH);
  if (fitToData) {
    const documented = hp.training_batch_size;
    if (documented !== 'auto' && !given.has('training_batch_size')) {
      const batch = Math.min(documented, largestUsefulBatch(images));
      chosen.training_batch_size = batch;
      // As many images as before move the weights as far as before (Goyal et al. 2017, section 2.1, https://arxiv.org/abs/1706.02677).
      if (pretrained) chosen.learning_rate = hp.learning_rate * (batch / documented);
    }
    if (pretrained && images <= HEAD_ALONE) {
      chosen.layers_to_freeze = stages;
      const batch = given.has('training_batch_size') ? hp.training_batch_size : chosen.training_batch_size;
      if (typeof batch === 'number') {
        const steps = Math.ceil(images / batch) * hp.number_of_epochs;
        if (steps < LEAST_STEPS) longer(LEAST_STEPS / steps);
      }
    }
  }
  const allowed = Object.entries(chosen).filter(([name]) => !given.has(name));
  return { ...hp, ...Object.fromEntries(allowed) };
}
