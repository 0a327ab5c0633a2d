import {
  BatchLoader,
  type Dataset,
  type ImageRecord,
  type ObjectDataset,
  type Sample,
  type SheetPicture,
} from '@fovea/data';
import { augmentModule, boxedImage, type DetectionSample, mixSeeds, torchRandom } from '@fovea/vision';
import type { DetectionTask } from '../model-folder/layout.ts';
import type { GivenHyperparameters } from '../spec/job.ts';
import { resolveHyperparameters } from '../spec/resolve-hyperparameters.ts';
import type { ClassificationTaskName } from '../spec/tasks.ts';
import { detectionSamples } from '../trainer/detection-samples.ts';
import { MultiClassTask } from '../trainer/multi-class.ts';
import { MultiLabelTask } from '../trainer/multi-label.ts';

/** Labelled images whose sizes are known. */
export type ShownData =
  | { readonly task: ClassificationTaskName; readonly dataset: Dataset }
  | { readonly task: DetectionTask; readonly dataset: ObjectDataset };

export interface ShownSamplesOptions {
  readonly model: string;
  /** As in job files; the others have their defaults. */
  readonly hyperparameters?: GivenHyperparameters;
  readonly count: number;
  readonly seed: number;
  /** Default false. True: the images as validation looks at them, instead of training. */
  readonly validation?: boolean;
}

/** An image as a model sees it, and what it is to learn from it. */
export interface ShownSample extends SheetPicture {
  /** Boxes of which nothing, or too little, is on it. */
  readonly dropped: number;
}

type PlannedSample = Omit<ShownSample, 'picture'> & { readonly sample: Sample };

/** As many are decoded at once. */
const TOGETHER = 8;

/**
 * The images that a training with this seed begins with, as it shows them to its model; after the last image come those of its second
 * epoch, and so on. In validation each image is there once.
 *
 * @throws IssuesError for hyperparameters that cannot be, and for images that cannot be read
 */
export async function* shownSamples(data: ShownData, options: ShownSamplesOptions): AsyncGenerator<ShownSample> {
  const planned = isObjects(data) ? plannedObjects(data, options) : plannedLabels(data, options);
  const batches: PlannedSample[][] = [];
  await using loader = new BatchLoader({ augmentModule });
  const samples = Iterator.from(inBatches(planned.take(options.count))).map((batch) => {
    batches.push(batch);
    return batch.map(({ sample }) => sample);
  });
  for await (const { index, images } of loader.run(samples, { mixedSizes: true }))
    for (const [i, { objects, dropped }] of batches[index].entries()) yield { picture: images[i], objects, dropped };
}

function plannedLabels(
  { task, dataset: { classes, records } }: Extract<ShownData, { dataset: Dataset }>,
  { model, hyperparameters = {}, seed, validation = false }: ShownSamplesOptions,
): IteratorObject<PlannedSample> {
  const settings = resolveHyperparameters(task, model, hyperparameters);
  const kind = task === 'image_classification' ? MultiClassTask : MultiLabelTask;
  const shown = new kind(classes, settings, records);
  const labelled = ({ labels }: ImageRecord, sample: Sample): PlannedSample => ({
    sample,
    // The label is that of the whole image.
    objects: [{ label: labels.join(', ') || 'no label', box: [0, 0, 1, 1] }],
    dropped: 0,
  });
  if (validation) return records.values().map((record) => labelled(record, shown.validationDecode(record)));
  return epochs(records.length, seed).map(({ index, epoch, position }) =>
    labelled(records[index], shown.trainingDecode(records[index], seed, epoch, position)),
  );
}

const isObjects = (data: ShownData): data is Extract<ShownData, { dataset: ObjectDataset }> =>
  data.task === 'image_object_detection' || data.task === 'image_instance_segmentation';

function plannedObjects(
  { task, dataset: { classes, records } }: Extract<ShownData, { dataset: ObjectDataset }>,
  { model, hyperparameters = {}, seed, validation = false }: ShownSamplesOptions,
): IteratorObject<PlannedSample> {
  const settings = resolveHyperparameters(task, model, hyperparameters);
  const shown = detectionSamples(model, settings);
  const outlines = task === 'image_instance_segmentation';
  const images = records.flatMap((record) => shown.parts(boxedImage(record, classes, { outlines })));
  const labelled = ({ sample, size: { width, height }, boxes }: DetectionSample): PlannedSample => ({
    sample,
    objects: Array.from(boxes.classes, (number, i) => {
      const [x1, y1, x2, y2] = boxes.corners.subarray(4 * i, 4 * i + 4);
      const inShares = (piece: ArrayLike<number>) =>
        Array.from(piece, (value, k) => value / (k % 2 === 0 ? width : height));
      const polygons = boxes.outlines?.[i].map(inShares);
      return {
        label: classes[number],
        box: [x1 / width, y1 / height, x2 / width, y2 / height],
        ...(polygons && { polygons }),
      };
    }),
    dropped: boxes.dropped,
  });
  if (validation) return images.values().map((image) => labelled(shown.validation(image)));
  const batchSize = settings.training_batch_size === 'auto' ? TOGETHER : settings.training_batch_size;
  return epochs(images.length, seed).map(({ index, ...place }) =>
    labelled(shown.training(images, index, { seed, batch: Math.floor(place.position / batchSize), ...place })),
  );
}

/** All images in the random order of each epoch, without end. */
function* epochs(count: number, seed: number): Generator<{ index: number; epoch: number; position: number }, void> {
  for (let epoch = 0; count > 0; epoch++) {
    const order = torchRandom(mixSeeds(seed, epoch)).permutation(count);
    for (const [position, index] of order.entries()) yield { index, epoch, position };
  }
}

function* inBatches<T>(items: Iterable<T>): Generator<T[], void> {
  let batch: T[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length < TOGETHER) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
