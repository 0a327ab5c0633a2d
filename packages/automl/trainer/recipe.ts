import { defaultOf, type Hyperparameters } from '../spec/resolve-hyperparameters.ts';
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
const HEAD_ALONE = 300;

/**
 * Up to so many images the early stages stay as they are: what they see, edges and textures, serves any photographs, and is easily
 * spoiled (Yosinski et al. 2014, https://arxiv.org/abs/1411.1792). The late stages learn the classes.
 */
const LATE_STAGES = 2000;
const EARLY_PART = 3 / 4;

/**
 * Fewest updates of a training on a small set: a schedule counted in steps, not epochs, as by BiT's rule, which takes 500 for sets up
 * to 20,000 images (Kolesnikov et al. 2020, https://arxiv.org/abs/1912.11370). Patience grows as much.
 */
const LEAST_UPDATES = 400;

/**
 * The hyperparameters that a trial trains with: those that depend on more than task and model, namely on how much data there is and on
 * whether the weights know something already. What the job itself names is never changed.
 *
 * | weights | images | |
 * | --- | --- | --- |
 * | random | any | three times the epochs and the patience, also in job files |
 * | pretrained | ≤ 300 | every stage is frozen; enough epochs for 400 updates |
 * | pretrained | ≤ 2000 | three quarters of the stages are frozen |
 * | any | < 12 × the batch | a smaller batch; for pretrained weights a learning rate smaller by as much |
 */
export function recipe(hp: Hyperparameters, circumstances: Circumstances): Hyperparameters {
  const { pretrained, given, fitToData } = circumstances;
  const chosen: Partial<Hyperparameters> = fitToData ? byAmount(hp, circumstances) : {};
  const begun = pretrained ? hp : fromScratch(hp, given);
  return { ...begun, ...Object.fromEntries(Object.entries(chosen).filter(([name]) => !given.has(name))) };
}

/** What a model of any kind is trained with whose weights are random. What the job itself names is never changed. */
export function fromScratch<H extends Lasting>(hp: H, given: ReadonlySet<string>): H {
  const chosen = Object.entries(longer(hp, FROM_SCRATCH)).filter(([name]) => !given.has(name));
  return { ...hp, ...Object.fromEntries(chosen) };
}

function byAmount(hp: Hyperparameters, circumstances: Circumstances): Partial<Hyperparameters> {
  const { images, pretrained, given } = circumstances;
  const documented = defaultOf('training_batch_size', 'image_classification', hp.model_name) as number;
  const useful = largestUsefulBatch(images);
  const batch = given.has('training_batch_size') ? hp.training_batch_size : Math.min(documented, useful);
  if (!pretrained) return { training_batch_size: batch };

  const update = (batch === 'auto' ? useful : batch) * hp.gradient_accumulation_step;
  const updates = hp.number_of_epochs * Math.ceil(images / update);
  return {
    training_batch_size: batch,
    // The documented rate is that of the documented batch: an epoch in smaller ones moves the weights as far by smaller steps
    // (Goyal et al. 2017, section 2.1, https://arxiv.org/abs/1706.02677).
    learning_rate: hp.learning_rate * Math.min(1, update / documented),
    layers_to_freeze: frozenStages(circumstances),
    ...(images <= HEAD_ALONE && !given.has('number_of_epochs') && longer(hp, Math.max(1, LEAST_UPDATES / updates))),
  };
}

/** The stages that so few images can teach nothing better. */
function frozenStages({ images, stages }: Circumstances): number {
  if (images <= HEAD_ALONE) return stages;
  return images <= LATE_STAGES ? Math.floor(stages * EARLY_PART) : 0;
}

type Lasting = Pick<Hyperparameters, 'number_of_epochs' | 'early_stopping_patience'>;

const longer = (hp: Lasting, factor: number): Lasting => ({
  number_of_epochs: Math.ceil(hp.number_of_epochs * factor),
  early_stopping_patience: Math.ceil(hp.early_stopping_patience * factor),
});

/**
 * What to say of a job whose documented defaults are known to fail on so few images; null where there is nothing to say: the job names
 * a learning rate or what is frozen, there is enough data, or the recipe chose.
 *
 * Measured with MobileNetV2 on 195 photographs of ants and bees, accuracy on 153 others: 0.93 by the defaults, from an early epoch, as
 * validation fell from 0.86 to 0.63 within seven; 0.94 to 0.95 by the recipe, over three seeds (bench/RESULTS.md).
 */
export function warningOf(hp: Hyperparameters, circumstances: Circumstances): string | null {
  const { images, pretrained, given, fitToData } = circumstances;
  const chosen = given.has('learning_rate') || given.has('layers_to_freeze');
  if (fitToData || !pretrained || chosen || images > HEAD_ALONE) return null;
  const better = recipe(hp, { ...circumstances, fitToData: true });
  const changes = (['layers_to_freeze', 'training_batch_size', 'learning_rate', 'number_of_epochs'] as const)
    .filter((name) => better[name] !== hp[name])
    .map((name) => `${name}: ${typeof better[name] === 'number' ? Number(better[name].toPrecision(2)) : better[name]}`);
  return (
    `${images} training images are few for the documented defaults, which let every layer learn: features that the weights brought ` +
    `along are easily spoiled. Better here: ${changes.join(', ')}. fovea train chooses this by itself.`
  );
}
