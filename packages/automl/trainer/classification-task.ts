import type { Decode, ImageRecord } from '@fovea/data';
import type { Tensor } from '@fovea/torch';
import {
  centreCrop,
  colourJitter,
  drawColourJitter,
  mixSeeds,
  randomResizedCrop,
  resizeShortSide,
  torchRandom,
} from '@fovea/vision';
import type { EvaluationTables, MetricValues } from '../metrics/index.ts';
import type { ModelTask } from '../model-folder/layout.ts';
import type { Hyperparameters } from '../spec/resolve-hyperparameters.ts';
import type { Evaluation } from './training-task.ts';

/** Usual strengths for training on photographs; no hyperparameter controls them. */
const JITTER = colourJitter({ brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 });

export type ImageSizes = Pick<
  Hyperparameters,
  'training_crop_size' | 'validation_resize_size' | 'validation_crop_size'
>;

interface ClassificationEvaluation extends Evaluation {
  readonly tables: () => EvaluationTables;
}

type Records = readonly ImageRecord[];

/** A kind of image classification: how images are read, what the loss is, and how answers are judged. */
export abstract class ClassificationTask {
  abstract readonly name: ModelTask;
  abstract readonly primaryMetric: string;
  readonly classes: readonly string[];
  readonly #sizes: ImageSizes;
  readonly #indexOf: ReadonlyMap<string, number>;

  constructor(classes: readonly string[], sizes: ImageSizes) {
    this.classes = classes;
    this.#sizes = sizes;
    this.#indexOf = new Map(classes.map((label, index) => [label, index]));
  }

  /** What the network should say of the images, in the form that `loss` takes. */
  abstract targets(records: Records, device: string): Tensor;

  /** Mean loss of logits [N, classes]. */
  abstract loss(logits: Tensor, targets: Tensor): Tensor;

  /** By how much the mean loss of these images counts where it is added to that of others. */
  abstract lossWeight(records: Records): number;

  /** Judges logits [N, classes] of all validation images, rows in the order of `records`; with the metrics, `valid_loss`. */
  evaluate(logits: Tensor, records: Records): ClassificationEvaluation {
    const { metrics, tables } = this.judge(logits.to({ dtype: 'float64' }), records);
    const valid_loss = this.loss(logits, this.targets(records, logits.device)).item() as number;
    const defined = Object.entries(metrics).filter((entry): entry is [string, number] => entry[1] !== null);
    return { metrics: { ...Object.fromEntries(defined), valid_loss }, tables };
  }

  /** @param logits in double precision */
  protected abstract judge(
    logits: Tensor,
    records: Records,
  ): { metrics: MetricValues; tables: ClassificationEvaluation['tables'] };

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
      repeats: true,
    };
  }

  /** @throws RangeError for a label that is none of the classes */
  protected classOf(label: string): number {
    const index = this.#indexOf.get(label);
    if (index === undefined) throw new RangeError(`"${label}" is not a class of the training data`);
    return index;
  }
}
