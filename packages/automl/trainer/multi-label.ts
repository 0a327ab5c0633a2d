import type { ImageRecord } from '@fovea/data';
import { nn, type Tensor, tensor } from '@fovea/torch';
import { multilabelMetrics, multilabelTables } from '../metrics/index.ts';
import type { Hyperparameters } from '../spec/resolve-hyperparameters.ts';
import { ClassificationTask, type ImageSizes } from './classification-task.ts';

type Settings = ImageSizes & Pick<Hyperparameters, 'weighted_loss' | 'label_smoothing_factor'>;
type Records = readonly ImageRecord[];

/** Image classification with any number of labels an image: a sigmoid for each label, which is there from 0.5 on. */
export class MultiLabelTask extends ClassificationTask {
  readonly name = 'image_classification_multilabel';
  readonly primaryMetric = 'iou';
  readonly #labelSmoothing: number;
  readonly #positiveWeights: readonly number[] | null;

  /** @param training the images that labels are weighted by */
  constructor(classes: readonly string[], settings: Settings, training: Records) {
    super(classes, settings);
    this.#labelSmoothing = settings.label_smoothing_factor;
    this.#positiveWeights = positiveWeights(settings.weighted_loss, classes, training);
  }

  /** 1 where the image has the label, else 0: float32 [N, classes]. */
  targets(records: Records, device: string): Tensor {
    return tensor(this.#truth(records), { dtype: 'float32', device });
  }

  /** Binary cross entropy, the mean over images and labels. Smoothing moves targets towards one half. */
  loss(logits: Tensor, truth: Tensor): Tensor {
    const smoothing = this.#labelSmoothing;
    const targets = smoothing > 0 ? truth.mul(1 - smoothing).add(smoothing / 2) : truth;
    const posWeight = this.#positiveWeights && tensor(this.#positiveWeights, { device: logits.device });
    return nn.functional.binaryCrossEntropyWithLogits(logits, targets, { posWeight });
  }

  lossWeight(records: Records): number {
    return records.length;
  }

  protected judge(logits: Tensor, records: Records) {
    const predictions = {
      truth: this.#truth(records),
      scores: logits.sigmoid().toArray() as number[][],
      labels: this.classes,
    };
    return { metrics: multilabelMetrics(predictions), tables: () => multilabelTables(predictions) };
  }

  #truth(records: Records): number[][] {
    return records.map(({ labels }) => {
      const row = new Array<number>(this.classes.length).fill(0);
      for (const label of labels) row[this.classOf(label)] = 1;
      return row;
    });
  }
}

/**
 * Factors for the loss of images that have a label, from how often it occurs. 0: none; 2: images without it / images with it, so that
 * having and lacking a label weigh the same in all; 1: the square root of that.
 */
export function positiveWeights(weightedLoss: number, classes: readonly string[], records: Records): number[] | null {
  if (weightedLoss === 0) return null;
  return classes.map((label) => {
    const count = records.filter(({ labels }) => labels.includes(label)).length;
    // A label that all images have, or none, has nothing to be balanced with.
    const balanced = count % records.length === 0 ? 1 : (records.length - count) / count;
    return weightedLoss === 1 ? Math.sqrt(balanced) : balanced;
  });
}
