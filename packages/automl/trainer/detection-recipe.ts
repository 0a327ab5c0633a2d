import { largestUsefulBatch } from './batch-size.ts';
import type { DetectorHyperparameters } from './detector-hyperparameters.ts';
import { fromScratch } from './recipe.ts';

/** What the weights that training starts from know: to find objects, to tell photographs apart (the backbone alone), or nothing. */
export type Knowledge = 'objects' | 'images' | 'nothing';

/** What a detector's recipe is chosen by. */
export interface DetectionCircumstances {
  /** Training images. */
  images: number;
  knows: Knowledge;
  device: string;
  /** The hyperparameters that the job itself names: these are never changed. */
  given: ReadonlySet<string>;
  /** Choose by the amount of data. Without it the documented defaults stay. */
  fitToData: boolean;
}

/** The documented learning rate is that of this batch … */
const DOCUMENTED_BATCH = 2;
/** … and this the highest that detectors of this kind are trained with in torchvision's and Detectron's references. */
const HIGHEST_RATE = 0.02;

/**
 * conv1 and the first stage of pretrained weights stay as they are, as in Detectron (`FREEZE_AT` 2) and torchvision
 * (`trainable_backbone_layers` 3): edges and textures serve any photographs, and it is there that a gradient costs most.
 */
const FROZEN_STAGES = 2;

/** Fewest updates of fine-tuning: what torchvision's tutorial takes for 120 photographs of pedestrians, ten epochs of 60 batches. */
const LEAST_UPDATES = 600;

/**
 * From random weights batch norms learn too, and fewer images than these in a batch say too little of a channel's statistics (Wu and
 * He 2018, figure 1, https://arxiv.org/abs/1803.08494).
 */
const LEAST_NORMALISED = 8;

/**
 * From random weights the pyramid and the heads, which have no normalisation, are on other scales than the backbone; steps of sgd that
 * suit one are too large for another (0.02 diverged within four of them, in torchvision as here). AdamW's steps do not depend on scales.
 * On drawn shapes Faster R-CNN and Mask R-CNN learned well at 5e-4; RetinaNet, whose head begins next to zero, learned at 1e-4 and not
 * at 5e-4.
 */
const FROM_SCRATCH_RATES = { rcnn: 5e-4, retinanet: 1e-4 } as const;
/** Fewest updates from random weights. */
const LEAST_UPDATES_FROM_SCRATCH = 1000;
/** On a CPU: a step on images of the documented 600 pixels takes four times as long, and there must be many. */
const SMALL_IMAGES = { min_size: 320, max_size: 711 } as const;

/**
 * The hyperparameters that a detector trains with, by how much data there is and by what its weights know. What the job itself names
 * is never changed.
 *
 * | weights | |
 * | --- | --- |
 * | random | three times the epochs and the patience, also in job files; AdamW, batches of at least 8, enough epochs for 1000 updates, on a CPU images of 320 pixels |
 * | of a backbone, of a detector | the first two stages are frozen; enough epochs for 600 updates; the learning rate of the batch |
 *
 * YOLOv5 is made to be trained from random weights: it gets as many updates, by smaller batches of small sets, and on a CPU small images.
 */
export function detectionRecipe(
  hp: DetectorHyperparameters,
  circumstances: DetectionCircumstances,
): DetectorHyperparameters {
  const { knows, given, fitToData } = circumstances;
  const begun = knows === 'nothing' ? fromScratch(hp, given) : hp;
  if (!fitToData) return begun;
  const chosen = adapted(begun, circumstances);
  const open = Object.entries(chosen).filter(([name]) => !given.has(name));
  return lasting({ ...begun, ...Object.fromEntries(open) }, circumstances);
}

function adapted(hp: DetectorHyperparameters, circumstances: DetectionCircumstances): Partial<DetectorHyperparameters> {
  if (hp.model_name === 'yolov5') return forYolo(hp, circumstances);
  return circumstances.knows === 'nothing' ? untaught(hp, circumstances) : fineTuned(hp, circumstances);
}

function forYolo(
  { training_batch_size: batch }: DetectorHyperparameters,
  { images, knows, device }: DetectionCircumstances,
): Partial<DetectorHyperparameters> {
  return {
    ...(batch !== 'auto' && { training_batch_size: Math.min(batch, largestUsefulBatch(images)) }),
    ...(knows === 'nothing' && device === 'cpu' && { image_size: SMALL_IMAGES.min_size }),
  };
}

function untaught(
  hp: DetectorHyperparameters,
  { images, device, given }: DetectionCircumstances,
): Partial<DetectorHyperparameters> {
  const { training_batch_size: batch, model_name: model } = hp;
  const named = (...names: (keyof DetectorHyperparameters)[]) => names.some((name) => given.has(name));
  return {
    ...(batch !== 'auto' && { training_batch_size: Math.max(batch, Math.min(LEAST_NORMALISED, images)) }),
    // A rate that is named is meant for the optimizer that is documented, and an optimizer for its usual rate.
    ...(!named('optimizer', 'learning_rate') && {
      optimizer: 'adamw' as const,
      learning_rate: FROM_SCRATCH_RATES[model.startsWith('retinanet') ? 'retinanet' : 'rcnn'],
    }),
    ...(device === 'cpu' && !named('min_size', 'max_size') && SMALL_IMAGES),
  };
}

function fineTuned(hp: DetectorHyperparameters, { images }: DetectionCircumstances): Partial<DetectorHyperparameters> {
  // Goyal et al. 2017, section 2.1, https://arxiv.org/abs/1706.02677.
  const rate = (hp.learning_rate * imagesPerUpdate(hp, images)) / DOCUMENTED_BATCH;
  return {
    layers_to_freeze: FROZEN_STAGES,
    ...(hp.optimizer === 'sgd' && { learning_rate: Math.min(rate, Math.max(HIGHEST_RATE, hp.learning_rate)) }),
  };
}

/** As many epochs as make enough updates, and as much more patience. */
function lasting(
  hp: DetectorHyperparameters,
  { images, knows, given }: DetectionCircumstances,
): DetectorHyperparameters {
  if (given.has('number_of_epochs')) return hp;
  const least = knows === 'nothing' ? LEAST_UPDATES_FROM_SCRATCH : LEAST_UPDATES;
  const updates = hp.number_of_epochs * Math.ceil(images / imagesPerUpdate(hp, images));
  const factor = Math.max(1, least / updates);
  return {
    ...hp,
    number_of_epochs: Math.ceil(hp.number_of_epochs * factor),
    ...(!given.has('early_stopping_patience') && {
      early_stopping_patience: Math.ceil(hp.early_stopping_patience * factor),
    }),
  };
}

function imagesPerUpdate(
  { training_batch_size: batch, gradient_accumulation_step: accumulated }: DetectorHyperparameters,
  images: number,
): number {
  return (batch === 'auto' ? largestUsefulBatch(images) : batch) * accumulated;
}

/** Up to so many images, random weights stay behind pretrained ones however long they are trained. */
const BREAKDOWN = 10_000;

/**
 * What to say where a detector is to learn from random weights; null where there is nothing to say.
 *
 * From random weights, COCO's detectors reach what fine-tuned ones do when there are 10,000 images and more; with 1,000 images it was
 * 3.5 of 100 instead of 9.9 (He et al. 2019, section 4.2, https://arxiv.org/abs/1811.08883).
 */
export function untaughtWarning(
  { model_name, min_size, training_batch_size: batch }: DetectorHyperparameters,
  { images, knows }: Pick<DetectionCircumstances, 'images' | 'knows'>,
): string | null {
  if (knows !== 'nothing' || images >= BREAKDOWN) return null;
  const expectation =
    `${model_name} learns from random weights on ${images} images. Detectors need some ten thousand for that; from fewer, expect far ` +
    'less than from pretrained weights, and mistakes on photographs that look different.';
  const sizes = min_size === undefined ? '' : ` Images are shown at ${min_size} pixels.`;
  const norm =
    min_size !== undefined && batch !== 'auto' && batch < LEAST_NORMALISED
      ? ` training_batch_size: ${batch} is little for batch norms that learn; ${LEAST_NORMALISED} are better.`
      : '';
  return `${expectation}${sizes}${norm}\nPublished weights, or those of an earlier job, can be named with --weights <file>.`;
}
