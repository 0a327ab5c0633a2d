import { type NormalisedBox, type ObjectRecord, objectMask } from '@fovea/data';
import { noGrad, type Tensor, tidy } from '@fovea/torch';
import {
  type BoxedImage,
  boxedImage,
  boxesOnOriginal,
  type DetectorModel,
  letterboxGeometry,
  type Normalisation,
  type ObjectDetector,
  type Placement,
  type SampleBoxes,
  type Size,
} from '@fovea/vision';
import {
  DetectionLog,
  detectionMetrics,
  detectionTables,
  type TrueObjects,
  type ValidationMetricType,
} from '../metrics/index.ts';
import { MASK_DEFAULTS } from '../model-folder/mask-settings.ts';
import type { DetectionSamples } from './detection-samples.ts';
import { targetsOf } from './detection-targets.ts';
import { type FoundInImage, foundInImages } from './found-objects.ts';
import type { Evaluation, InPrecision, Losses, Sample, SampleMoment, TrainingTask } from './training-task.ts';

/** An image with the boxes that it shows. */
export interface DetectionSample extends Sample {
  /** Of what the detector looks at, in pixels. */
  readonly size: Size;
  /** Before it was resized; of a tile its own size. */
  readonly original: Size;
  /** In pixels of what the detector looks at. */
  readonly boxes: SampleBoxes;
}

interface Setting {
  detector: ObjectDetector;
  /** Masks: images are learned from with the outlines of their objects, and masks are judged instead of boxes. */
  finds: DetectorModel['finds'];
  classes: readonly string[];
  train: readonly ObjectRecord[];
  validation: readonly ObjectRecord[];
  metricType: ValidationMetricType;
  iouThreshold: number;
  samples: DetectionSamples;
}

/** A network that learns to find objects: boxes around them, or also which pixels are theirs. */
export class DetectionTraining implements TrainingTask<DetectionSample, FoundInImage[]> {
  readonly primaryMetric = 'mean_average_precision';
  readonly #setting: Setting;
  readonly #indexOf: ReadonlyMap<string, number>;
  /** Images as wholes and, where the job asks for it, in tiles. */
  readonly #training: readonly BoxedImage[];
  readonly #validation: readonly BoxedImage[];
  /** Of each validation image, how many of `#validation` are parts of it; they stand one after the other. */
  readonly #partCounts: readonly number[];
  /** What is in each validation image. */
  #truths: TrueObjects[] | null = null;

  /** @throws RangeError for a label that is none of the classes, and for an object without outline where masks are to be found */
  constructor(setting: Setting) {
    this.#setting = setting;
    this.#indexOf = new Map(setting.classes.map((label, index) => [label, index]));
    const partsOf = (record: ObjectRecord) =>
      setting.samples.parts(boxedImage(record, setting.classes, { outlines: setting.finds === 'masks' }));
    this.#training = setting.train.flatMap(partsOf);
    const validation = setting.validation.map(partsOf);
    this.#validation = validation.flat();
    this.#partCounts = validation.map((parts) => parts.length);
  }

  get name() {
    return this.#setting.finds === 'masks' ? 'image_instance_segmentation' : 'image_object_detection';
  }

  get model() {
    return this.#setting.detector.network;
  }

  get classes(): readonly string[] {
    return this.#setting.classes;
  }

  /** A tile counts as an image. */
  get trainingImages(): number {
    return this.#training.length;
  }

  /** A tile counts as an image here too; `judge` puts the answers together again. */
  get validationImages(): number {
    return this.#validation.length;
  }

  get normalisation(): Normalisation {
    return this.#setting.detector.normalisation;
  }

  get minimisesSum(): boolean {
    return this.#setting.detector.minimisesSum;
  }

  get averagesWeights(): boolean {
    return this.#setting.detector.averagesWeights;
  }

  get decaysWeightsOnly(): boolean {
    return this.#setting.detector.decaysWeightsOnly;
  }

  trainingSamples(images: readonly number[], { position, ...step }: SampleMoment): DetectionSample[] {
    const { samples } = this.#setting;
    const all = this.#training;
    const made = images.map((image, i) =>
      sampleOf(all[image], samples.training(all, image, { ...step, position: position + i })),
    );
    return this.#joined(made);
  }

  validationSamples(images: readonly number[]): DetectionSample[] {
    const shown = images.map((image) => this.#validation[image]);
    return this.#joined(shown.map((image) => sampleOf(image, this.#setting.samples.validation(image))));
  }

  /** YOLOv5's images have one size as they are. */
  #joined(samples: DetectionSample[]): DetectionSample[] {
    const { fit } = this.#setting.detector;
    return fit.kind === 'within' ? onOneCanvas(samples, fit.stride) : samples;
  }

  losses(images: Tensor, samples: readonly DetectionSample[], inPrecision: InPrecision): Losses {
    const input = { images, sizes: samples.map(({ size }) => size) };
    const parts = this.#setting.detector.losses(input, targetsOf(samples, images.device), inPrecision);
    const [first, ...others] = Object.values(parts);
    const named = Object.entries(parts).map(([name, part]): [string, Tensor] => [`${snakeCase(name)}_loss`, part]);
    return { loss: others.reduce((sum, part) => sum.add(part), first), parts: Object.fromEntries(named) };
  }

  lossWeight(samples: readonly DetectionSample[]): number {
    return samples.length;
  }

  answers(images: Tensor, samples: readonly DetectionSample[]): FoundInImage[] {
    return tidy(() =>
      noGrad(() => {
        const found = this.#setting.detector.detect({ images, sizes: samples.map(({ size }) => size) });
        const originals = samples.map(({ original }) => original);
        const onOriginals = found.map((objects, i) => ({
          ...objects,
          boxes: boxesOnOriginal(objects.boxes.float(), originals[i], this.#placementOf(samples[i])),
        }));
        return foundInImages(onOriginals, originals, MASK_DEFAULTS.mask_pixel_score_threshold);
      }),
    );
  }

  /** Where a point of the original lies in what the detector looked at. */
  #placementOf({ original, size }: DetectionSample): Placement {
    const { fit } = this.#setting.detector;
    if (fit.kind === 'letterbox') return letterboxGeometry(original, fit.size, { auto: false });
    const [ratioX, ratioY] = [size.width / original.width, size.height / original.height];
    return { ratioX, ratioY, padding: { x: 0, y: 0 } };
  }

  judge(answers: readonly FoundInImage[][]): Evaluation {
    const { classes, validation, metricType: type, finds, iouThreshold } = this.#setting;
    const kind = finds === 'masks' ? 'segm' : 'bbox';
    this.#truths ??= validation.map((record) => this.#truthOf(record));
    const log = new DetectionLog(classes.length);
    for (const [i, found] of this.#wholeAnswers(answers.flat()).entries()) log.addImage(this.#truths[i], found);
    const records = log.records();
    const { metrics, coco } = detectionMetrics(records, classes, { type, kind, iouThreshold });
    const numbers = Object.entries(coco ?? {}).filter(([, value]) => typeof value === 'number' && value >= 0);
    const defined = Object.entries(metrics).filter((entry): entry is [string, number] => entry[1] !== null);
    return {
      metrics: {
        ...Object.fromEntries(defined),
        ...Object.fromEntries(numbers.map(([name, value]) => [`coco_${name}`, value])),
      },
      tables: () => detectionTables(records, classes, { kind, iouThreshold }),
    };
  }

  #truthOf({ width, height, objects }: ObjectRecord): TrueObjects {
    return {
      boxes: objects.flatMap(({ box }) => inPixels(box, { width, height })),
      labels: objects.map(({ label }) => this.#classOf(label)),
      crowd: objects.map(({ crowd }) => Number(crowd)),
      ...(this.#setting.finds === 'masks' && { masks: objects.map((object) => objectMask(object, { width, height })) }),
    };
  }

  /** What was found in each image, of what was found in its parts; masks are looked for in whole images alone. */
  #wholeAnswers(found: readonly FoundInImage[]): FoundInImage[] {
    let end = 0;
    return this.#partCounts.map((count) => {
      const start = end;
      end += count;
      if (count === 1) return found[start];
      return this.#setting.samples.merged(this.#validation.slice(start, end), found.slice(start, end));
    });
  }

  #classOf(label: string): number {
    const index = this.#indexOf.get(label);
    if (index === undefined) throw new RangeError(`"${label}" is not a class of the training data`);
    return index;
  }
}

const inPixels = ([x1, y1, x2, y2]: NormalisedBox, { width, height }: Size): number[] => [
  x1 * width,
  y1 * height,
  x2 * width,
  y2 * height,
];

const sampleOf = (
  { file, width, height }: BoxedImage,
  { sample, size, boxes }: { sample: Sample['image']; size: Size; boxes: SampleBoxes },
): DetectionSample => ({ file, image: sample, size, original: { width, height }, boxes });

/** Images of different sizes in the left top corners of canvases that are as large as the largest, in whole strides. */
function onOneCanvas(samples: readonly DetectionSample[], stride: number): DetectionSample[] {
  const padded = (side: keyof Size) => Math.ceil(Math.max(...samples.map(({ size }) => size[side])) / stride) * stride;
  const canvas = { width: padded('width'), height: padded('height'), left: 0, top: 0, fill: 0 };
  return samples.map((sample) => ({ ...sample, canvas }));
}

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
