import { predictedClasses } from './classification-metrics.ts';
import type { ClassPredictions, ScoreMatrix } from './predictions.ts';

/** Images whose score lies in one of equal parts of 0..1. */
export interface CalibrationBin {
  bin: number;
  count: number;
  /** Mean score; null in an empty bin. */
  mean_predicted: number | null;
  /** Share that is true; null in an empty bin. */
  fraction_positive: number | null;
}

/** How often a label is true where its score is so high. A score on an inner edge belongs to the lower bin. */
export function calibration(scores: ScoreMatrix, column: number, bins = 10): CalibrationBin[] {
  const values = scores.rows.map((row) => row[column]);
  return binned(values, (row) => scores.isTrue(row, column), bins);
}

/**
 * Expected calibration error (Guo et al. 2017): the mean difference of confidence and accuracy over equal bins of the confidence in
 * the predicted class, weighted by the images in them. 0 is best.
 */
export function calibrationError(predictions: ClassPredictions, bins = 15): number {
  const predicted = predictedClasses(predictions);
  const confidences = predicted.map((index, i) => predictions.probabilities[i][index]);
  const parts = binned(confidences, (i) => predicted[i] === predictions.truth[i], bins);
  let sum = 0;
  for (const { count, mean_predicted, fraction_positive } of parts) {
    if (mean_predicted !== null && fraction_positive !== null)
      sum += count * Math.abs(mean_predicted - fraction_positive);
  }
  return sum / predicted.length;
}

function binned(values: readonly number[], isTrue: (index: number) => boolean, bins: number): CalibrationBin[] {
  const parts = Array.from({ length: bins }, () => ({ count: 0, sum: 0, positives: 0 }));
  for (const [i, value] of values.entries()) {
    const part = parts[binOf(value, bins)];
    part.count++;
    part.sum += value;
    if (isTrue(i)) part.positives++;
  }
  return parts.map(({ count, sum, positives }, bin) => ({
    bin,
    count,
    mean_predicted: count === 0 ? null : sum / count,
    fraction_positive: count === 0 ? null : positives / count,
  }));
}

/** The bin (edge, next edge] that a value in 0..1 lies in; 0 itself is in the first. */
function binOf(value: number, bins: number): number {
  let bin = Math.min(bins - 1, Math.max(0, Math.ceil(value * bins) - 1));
  // The product is rounded; the edges as quotients are the doubles nearest to them.
  while (bin > 0 && value <= bin / bins) bin--;
  while (bin < bins - 1 && value > (bin + 1) / bins) bin++;
  return bin;
}
