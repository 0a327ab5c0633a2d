import type { ImageRecord } from '@fovea/data';
import { nn, type Tensor, tensor } from '@fovea/torch';
import { classificationMetrics, classificationTables } from '../metrics/index.ts';
import type { Hyperparameters } from '../spec/resolve-hyperparameters.ts';
import { ClassificationTask, type ImageSizes } from './classification-task.ts';

type Settings = ImageSizes & Pick<Hyperparameters, 'weighted_loss' | 'label_smoothing_factor'>;
type Records = readonly ImageRecord[];

/** Image classification with one label an image: cross entropy, the most probable class is the answer. */
export class MultiClassTask extends ClassificationTask {
  readonly name = 'image_classification';
  readonly primaryMetric = 'accuracy';
  readonly #labelSmoothing: number;
  readonly #classWeights: readonly number[] | null;

  /** @param training the images that classes are weighted by */
  constructor(classes: readonly string[], settings: Settings, training: Records) {
    super(classes, settings);
    this.#labelSmoothing = settings.label_smoothing_factor;
    this.#classWeights = classWeights(settings.weighted_loss, classes, training);
  }

  /** Class indices [N], int64. */
  targets(records: Records, device: string): Tensor {
    return tensor(this.#truth(records), { dtype: 'int64', device });
  }

  loss(logits: Tensor, targets: Tensor): Tensor {
    const weight = this.#classWeights && tensor(this.#classWeights, { device: logits.device });
    return nn.functional.crossEntropy(logits, targets, { weight, labelSmoothing: this.#labelSmoothing });
  }

  /** The mean divides by the sum of the weights of the true classes. */
  lossWeight(records: Records): number {
    const weights = this.#classWeights;
    return weights ? this.#truth(records).reduce((sum, index) => sum + weights[index], 0) : records.length;
  }

  protected judge(logits: Tensor, records: Records) {
    const probabilities = logits.softmax(1).toArray() as number[][];
    const predictions = { truth: this.#truth(records), probabilities, classes: this.classes };
    return { metrics: classificationMetrics(predictions), tables: () => classificationTables(predictions) };
  }

  #truth(records: Records): number[] {
    return records.map(({ labels: [label] }) => this.classOf(label));
  }
}

/**
 * Factors for the loss from how often each class occurs. 0: none; 2: N / (classes · n), so that every class weighs the same in all;
 * 1: the square root of that.
 */
export function classWeights(weightedLoss: number, classes: readonly string[], records: Records): number[] | null {
  if (weightedLoss === 0) return null;
  return classes.map((label) => {
    const count = records.filter(({ labels }) => labels.includes(label)).length;
    const balanced = count === 0 ? 1 : records.length / (classes.length * count);
    return weightedLoss === 1 ? Math.sqrt(balanced) : balanced;
  });
}
