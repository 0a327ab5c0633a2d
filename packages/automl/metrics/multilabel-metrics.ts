import { normMacroRecall } from './classification-metrics.ts';
import {
  averagedScores,
  jaccard,
  type LabelCounts,
  macro,
  mean,
  micro,
  recall,
  support,
  weighted,
} from './label-counts.ts';
import { type LabelPredictions, labelScores, type MetricValues } from './predictions.ts';
import { averagedRankingScores, rankingScores } from './score-metrics.ts';

/** From this score on, a label counts as predicted. */
export const LABEL_THRESHOLD = 0.5;

/**
 * All metrics of a model that answers yes or no for each label, under their Azure names and with scikit-learn's definitions.
 *
 * `iou` is the mean over images of |predicted ∩ true| / |predicted ∪ true|, 1 where both are empty; `iou_macro`, `iou_micro` and
 * `iou_weighted` are averages over labels. `accuracy` counts images with every label right. `log_loss` is the mean over all
 * (image, label) of the binary one. `balanced_accuracy` is the mean recall of the labels that occur. In `norm_macro_recall`,
 * guessing is a coin for each label. `weighted_accuracy` and `matthews_correlation` need one class an image and are not there.
 *
 * @param threshold a label is predicted when its score is at least this
 * @throws RangeError when the parts do not fit each other or a score is not finite
 */
export function multilabelMetrics(predictions: LabelPredictions, threshold: number = LABEL_THRESHOLD): MetricValues {
  const scores = labelScores(predictions);
  const decisions = decide(predictions.scores, (score) => score >= threshold);
  const counts = labelCounts(predictions.truth, decisions);
  const images = imageCounts(predictions.truth, decisions);
  const averaged = averagedScores(counts);
  return {
    iou: sampleIou(images),
    iou_macro: macro(counts, jaccard),
    iou_micro: micro(counts, jaccard),
    iou_weighted: weighted(counts, jaccard),
    accuracy: exactMatches(images),
    balanced_accuracy: macro(
      counts.filter((label) => support(label) > 0),
      recall,
    ),
    ...averagedRankingScores(rankingScores(scores)),
    ...averaged,
    log_loss: binaryLogLoss(predictions),
    norm_macro_recall: normMacroRecall(averaged.recall_score_macro, 2),
  };
}

/** @returns 1 where a label is predicted, otherwise 0 [N][labels] */
export function decide(rows: readonly ArrayLike<number>[], accept: (score: number) => boolean): Uint8Array[] {
  return rows.map((row) => Uint8Array.from(row, (score) => (accept(score) ? 1 : 0)));
}

/** Counts of each label over all images. */
export function labelCounts(truth: readonly ArrayLike<number>[], decisions: readonly Uint8Array[]): LabelCounts[] {
  const counts = Array.from(decisions[0], () => ({ tp: 0, fp: 0, fn: 0, tn: 0 }));
  for (const [i, row] of decisions.entries()) {
    for (let label = 0; label < row.length; label++) counts[label][outcome(truth[i][label], row[label])]++;
  }
  return counts;
}

/** Counts of each image over all labels. */
export function imageCounts(truth: readonly ArrayLike<number>[], decisions: readonly Uint8Array[]): LabelCounts[] {
  return decisions.map((row, i) => {
    const counts = { tp: 0, fp: 0, fn: 0, tn: 0 };
    for (let label = 0; label < row.length; label++) counts[outcome(truth[i][label], row[label])]++;
    return counts;
  });
}

/** Mean over images of |predicted ∩ true| / |predicted ∪ true|; 1 for an image with neither a true label nor a predicted one. */
export const sampleIou = (images: readonly LabelCounts[]): number =>
  mean(images.map((image) => (image.tp + image.fp + image.fn === 0 ? 1 : jaccard(image))));

/** Share of the images with every label right. */
export const exactMatches = (images: readonly LabelCounts[]): number =>
  mean(images.map(({ fp, fn }) => (fp + fn === 0 ? 1 : 0)));

const outcome = (actual: number, predicted: number): keyof LabelCounts => {
  if (predicted === 1) return actual === 1 ? 'tp' : 'fp';
  return actual === 1 ? 'fn' : 'tn';
};

/** Mean over all (image, label) of −ln p(what is true), p clipped as in the log loss of classes. */
export function binaryLogLoss({ truth, scores }: LabelPredictions): number {
  let total = 0;
  let count = 0;
  for (const [i, row] of scores.entries()) {
    for (let label = 0; label < row.length; label++) {
      const clipped = Math.min(Math.max(row[label], Number.EPSILON), 1 - Number.EPSILON);
      total -= Math.log(truth[i][label] === 1 ? clipped : 1 - clipped);
      count++;
    }
  }
  return total / count;
}
