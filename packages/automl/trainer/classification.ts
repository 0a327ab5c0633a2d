import type { Decode, ImageRecord } from '@fovea/data';
import { nn, type Tensor, tensor } from '@fovea/torch';
import {
  centreCrop,
  colourJitter,
  drawColourJitter,
  mixSeeds,
  randomResizedCrop,
  resizeShortSide,
  torchRandom,
} from '@fovea/vision';
import type { Hyperparameters } from '../spec/resolve-hyperparameters.ts';
import { classificationMetrics } from './classification-metrics.ts';

/** Usual strengths for training on photographs; no hyperparameter controls them. */
const JITTER = colourJitter({ brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 });

export type ImageSizes = Pick<
  Hyperparameters,
  'training_crop_size' | 'validation_resize_size' | 'validation_crop_size'
>;

/** What a model said about the validation images, in their order. */
export interface Evaluation {
  metrics: Record<string, number>;
  /** confusion[i][j]: images of class i that were taken for class j. */
  confusion: number[][];
}

/** Image classification, one label an image: how images are read, what the loss is, and how answers are judged. */
export class ClassificationTask {
  readonly primaryMetric = 'accuracy';
  readonly classes: readonly string[];
  readonly #sizes: ImageSizes;
  readonly #indexOf: ReadonlyMap<string, number>;
  readonly #classWeights: readonly number[] | null;

  /** @param classWeights one factor per class for the loss, or null for none */
  constructor(classes: readonly string[], sizes: ImageSizes, classWeights: readonly number[] | null) {
    this.classes = classes;
    this.#sizes = sizes;
    this.#indexOf = new Map(classes.map((label, index) => [label, index]));
    this.#classWeights = classWeights;
  }

  /** A random part of the image, at random mirrored and changed in colour: all of it decided by the seed parts. */
  trainingDecode({ file, source, width, height }: ImageRecord, ...seedParts: number[]): Decode {
    const random = torchRandom(mixSeeds(...seedParts));
    const size = this.#sizes.training_crop_size;
    return {
      file,
      source,
      crop: randomResizedCrop(width, height, random),
      resize: { width: size, height: size },
      flip: random.uniform(0, 1) < 0.5,
      augment: { colour: drawColourJitter(random, JITTER) },
      fast: true,
    };
  }

  /** The middle of the image, the same that a served model looks at. */
  validationDecode({ file, source, width, height }: ImageRecord): Decode {
    const resize = resizeShortSide(width, height, this.#sizes.validation_resize_size);
    return {
      file,
      source,
      resize,
      cropAfter: centreCrop(resize.width, resize.height, this.#sizes.validation_crop_size).source,
    };
  }

  /** Class indices [N], int64. */
  targets(records: readonly ImageRecord[], device: string): Tensor {
    return tensor(
      records.map(({ labels: [label] }) => this.#classOf(label)),
      { dtype: 'int64', device },
    );
  }

  /** Mean cross entropy of logits [N, classes]. */
  loss(logits: Tensor, targets: Tensor): Tensor {
    const weight = this.#classWeights && tensor(this.#classWeights, { device: logits.device });
    return nn.functional.crossEntropy(logits, targets, { weight });
  }

  /** Judges logits of all validation images, rows in the order of `records`. */
  evaluate(logits: Tensor, records: readonly ImageRecord[]): Evaluation {
    const truth = records.map(({ labels: [label] }) => this.#classOf(label));
    const probabilities = logits.softmax(1).toArray() as number[][];
    return classificationMetrics(truth, probabilities);
  }

  #classOf(label: string): number {
    const index = this.#indexOf.get(label);
    if (index === undefined) throw new RangeError(`"${label}" is not a class of the training data`);
    return index;
  }
}

/**
 * Factors for the loss from how often each class occurs. 0: none; 2: N / (classes · n), so that every class weighs the same in all;
 * 1: the square root of that.
 */
export function classWeights(
  weightedLoss: number,
  classes: readonly string[],
  records: readonly ImageRecord[],
): number[] | null {
  if (weightedLoss === 0) return null;
  return classes.map((label) => {
    const count = records.filter(({ labels }) => labels.includes(label)).length;
    const balanced = records.length / (classes.length * count);
    return weightedLoss === 1 ? Math.sqrt(balanced) : balanced;
  });
}
