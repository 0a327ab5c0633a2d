import type { ObjectRecord } from '@fovea/data';
import { cat, fromTypedArray, noGrad, ops, type Tensor, tensor, tidy } from '@fovea/torch';
import {
  boxesOnOriginal,
  type DetectionTarget,
  letterboxGeometry,
  mixSeeds,
  type Normalisation,
  type ObjectDetector,
  type Placement,
  resizeWithin,
  type Size,
  torchRandom,
} from '@fovea/vision';
import {
  DetectionLog,
  detectionMetrics,
  detectionTables,
  type FoundObjects,
  type ValidationMetricType,
} from '../metrics/index.ts';
import type {
  Evaluation,
  InPrecision,
  Losses,
  Sample,
  SampleCanvas,
  SampleMoment,
  TrainingTask,
} from './training-task.ts';

/** An image with the boxes that it shows. */
export interface DetectionSample extends Sample {
  readonly canvas: SampleCanvas;
  /** Of the part of the canvas that shows the image, from its left top corner on. */
  readonly size: Size;
  readonly original: Size;
  /** Where a point of the original image lies on the canvas. */
  readonly placement: Placement;
  /** Corners x1, y1, x2, y2 in pixels of the canvas, one box after the other. */
  readonly boxes: Float32Array;
  /** Class of each box. */
  readonly labels: readonly number[];
}

interface Setting {
  detector: ObjectDetector;
  classes: readonly string[];
  train: readonly ObjectRecord[];
  validation: readonly ObjectRecord[];
  metricType: ValidationMetricType;
  iouThreshold: number;
  /** Images are changed at random in training. */
  augments: boolean;
  /** Images of training vary in size by up to half. */
  multiScale: boolean;
}

/** Values around a letterboxed image. */
const GREY = 114;

/** A network that learns to find objects. */
export class DetectionTraining implements TrainingTask<DetectionSample, FoundObjects[]> {
  readonly name = 'image_object_detection';
  readonly primaryMetric = 'mean_average_precision';
  readonly #setting: Setting;
  readonly #indexOf: ReadonlyMap<string, number>;

  constructor(setting: Setting) {
    this.#setting = setting;
    this.#indexOf = new Map(setting.classes.map((label, index) => [label, index]));
  }

  get model() {
    return this.#setting.detector.network;
  }

  get classes(): readonly string[] {
    return this.#setting.classes;
  }

  get trainingImages(): number {
    return this.#setting.train.length;
  }

  get validationImages(): number {
    return this.#setting.validation.length;
  }

  get normalisation(): Normalisation {
    return this.#setting.detector.normalisation;
  }

  get minimisesSum(): boolean {
    return this.#setting.detector.minimisesSum;
  }

  trainingSamples(images: readonly number[], { seed, epoch, position }: SampleMoment): DetectionSample[] {
    const { train, augments, multiScale } = this.#setting;
    const factor = multiScale ? torchRandom(mixSeeds(seed, epoch, position)).uniform(0.5, 1.5) : 1;
    const samples = images.map((image, i) => {
      const random = torchRandom(mixSeeds(seed, epoch, position + i));
      return this.#sample(train[image], { factor, flip: augments && random.uniform(0, 1) < 0.5, repeats: false });
    });
    return onOneCanvas(samples);
  }

  validationSamples(images: readonly number[]): DetectionSample[] {
    const { validation } = this.#setting;
    return onOneCanvas(
      images.map((image) => this.#sample(validation[image], { factor: 1, flip: false, repeats: true })),
    );
  }

  #sample(
    record: ObjectRecord,
    { factor, flip, repeats }: { factor: number; flip: boolean; repeats: boolean },
  ): DetectionSample {
    const { resized, placement, canvas, size } = this.#placed(record, factor);
    const objects = record.objects.filter(({ crowd }) => !crowd);
    const { ratioX, ratioY, padding } = placement;
    const boxes = objects.flatMap(({ box: [x1, y1, x2, y2] }) => {
      const [left, right] = flip ? [1 - x2, 1 - x1] : [x1, x2];
      const across = (share: number) => share * record.width * ratioX + padding.x;
      const down = (share: number) => share * record.height * ratioY + padding.y;
      return [across(left), down(y1), across(right), down(y2)];
    });
    return {
      file: record.file,
      image: {
        file: record.file,
        source: record.source,
        resize: resized,
        ...(repeats ? { repeats, interpolation: this.#interpolation } : { flip, fast: true }),
      },
      canvas,
      size,
      original: { width: record.width, height: record.height },
      placement,
      ...withArea(
        Float32Array.from(boxes),
        objects.map(({ label }) => this.#classOf(label)),
      ),
    };
  }

  /** What is measured and served is resized as the published detectors do it. */
  get #interpolation(): 'linear' | 'bilinear' {
    return this.#setting.detector.fit.kind === 'letterbox' ? 'linear' : 'bilinear';
  }

  /** How large an image becomes, and where it lies. */
  #placed(image: Size, factor: number) {
    const { fit } = this.#setting.detector;
    if (fit.kind === 'within') {
      const resized = resizeWithin(image, fit.minSize, fit.maxSize);
      const placement = {
        ratioX: resized.width / image.width,
        ratioY: resized.height / image.height,
        padding: { x: 0, y: 0 },
      };
      const padded = (side: number) => Math.ceil(side / fit.stride) * fit.stride;
      const canvas = { width: padded(resized.width), height: padded(resized.height), left: 0, top: 0, fill: 0 };
      return { resized, placement, canvas, size: resized };
    }
    const side = Math.max(1, Math.round((fit.size * factor) / fit.stride)) * fit.stride;
    const { resized, canvas, left, top, ratioX, ratioY, padding } = letterboxGeometry(image, side, { auto: false });
    return {
      resized,
      placement: { ratioX, ratioY, padding },
      canvas: { ...canvas, left, top, fill: GREY },
      size: canvas,
    };
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

  answers(images: Tensor, samples: readonly DetectionSample[]): FoundObjects[] {
    return tidy(() =>
      noGrad(() => {
        const found = this.#setting.detector.detect({ images, sizes: samples.map(({ size }) => size) });
        const rows = found.map(({ boxes, scores, labels }, i) => {
          const { original, placement } = samples[i];
          const onImage = boxesOnOriginal(boxes.float(), original, placement);
          return cat([onImage, scores.float().unsqueeze(1), labels.float().unsqueeze(1)], 1);
        });
        const all = cat(rows).cpu().contiguous().data() as Float32Array;
        let row = 0;
        return rows.map((ofImage) => {
          const count = ofImage.size(0);
          const from = row;
          row += count;
          return unpacked(all.subarray(6 * from, 6 * row), count);
        });
      }),
    );
  }

  judge(answers: readonly FoundObjects[][]): Evaluation {
    const { classes, validation, metricType: type, iouThreshold } = this.#setting;
    const log = new DetectionLog(classes.length);
    for (const [i, found] of answers.flat().entries()) {
      const { width, height, objects } = validation[i];
      const truth = {
        boxes: objects.flatMap(({ box: [x1, y1, x2, y2] }) => [x1 * width, y1 * height, x2 * width, y2 * height]),
        labels: objects.map(({ label }) => this.#classOf(label)),
        crowd: objects.map(({ crowd }) => Number(crowd)),
      };
      log.addImage(truth, found);
    }
    const records = log.records();
    const { metrics, coco } = detectionMetrics(records, classes, { type, iouThreshold });
    const numbers = Object.entries(coco ?? {}).filter(([, value]) => typeof value === 'number' && value >= 0);
    const defined = Object.entries(metrics).filter((entry): entry is [string, number] => entry[1] !== null);
    return {
      metrics: {
        ...Object.fromEntries(defined),
        ...Object.fromEntries(numbers.map(([name, value]) => [`coco_${name}`, value])),
      },
      tables: () => detectionTables(records, classes, { iouThreshold }),
    };
  }

  /** @throws RangeError for a label that is none of the classes */
  #classOf(label: string): number {
    const index = this.#indexOf.get(label);
    if (index === undefined) throw new RangeError(`"${label}" is not a class of the training data`);
    return index;
  }
}

/** All canvases as large as the largest. */
function onOneCanvas(samples: readonly DetectionSample[]): DetectionSample[] {
  const width = Math.max(...samples.map(({ canvas }) => canvas.width));
  const height = Math.max(...samples.map(({ canvas }) => canvas.height));
  return samples.map((sample) => ({ ...sample, canvas: { ...sample.canvas, width, height } }));
}

/** Without boxes that are thinner than single precision can tell. */
function withArea(boxes: Float32Array, labels: readonly number[]): Pick<DetectionSample, 'boxes' | 'labels'> {
  const kept = [...labels.keys()].filter((i) => boxes[4 * i + 2] > boxes[4 * i] && boxes[4 * i + 3] > boxes[4 * i + 1]);
  if (kept.length === labels.length) return { boxes, labels };
  return {
    boxes: Float32Array.from(kept.flatMap((i) => [...boxes.subarray(4 * i, 4 * i + 4)])),
    labels: kept.map((i) => labels[i]),
  };
}

/** What the detector should find, in tensors that travel to the device at once. */
function targetsOf(samples: readonly DetectionSample[], device: string): DetectionTarget[] {
  const counts = samples.map(({ labels }) => labels.length);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const corners = new Float32Array(4 * total);
  let at = 0;
  for (const { boxes } of samples) {
    corners.set(boxes, at);
    at += boxes.length;
  }
  const boxes = ops.splitWithSizes(fromTypedArray(corners, [total, 4]).to({ device }), counts);
  const labels = tensor(
    samples.flatMap((sample) => sample.labels),
    { dtype: 'int64', device },
  );
  const ofImages = ops.splitWithSizes(labels.view([total]), counts);
  return samples.map((_, i) => ({ boxes: boxes[i], labels: ofImages[i] }));
}

/** Rows of corners, score and class. */
function unpacked(rows: Float32Array, count: number): FoundObjects {
  const boxes = new Float32Array(4 * count);
  const scores = new Float32Array(count);
  const labels = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    boxes.set(rows.subarray(6 * i, 6 * i + 4), 4 * i);
    scores[i] = rows[6 * i + 4];
    labels[i] = rows[6 * i + 5];
  }
  return { boxes, scores, labels };
}

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
