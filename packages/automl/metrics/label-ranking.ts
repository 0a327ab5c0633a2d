import type { LabelPredictions } from './predictions.ts';

/**
 * Mean over images and their true labels of the share of true labels among those scored at least as high (scikit-learn's
 * label_ranking_average_precision_score). An image with no true label, or with all, counts 1.
 */
export function labelRankingAveragePrecision({ truth, scores }: LabelPredictions): number {
  let total = 0;
  for (const [i, row] of scores.entries()) {
    const relevant = relevantLabels(truth[i]);
    if (relevant.length === 0 || relevant.length === row.length) {
      total++;
      continue;
    }
    let sum = 0;
    for (const label of relevant) {
      const asHigh = (other: number): boolean => row[other] >= row[label];
      sum += relevant.filter(asHigh).length / Array.from(row, (_, other) => other).filter(asHigh).length;
    }
    total += sum / relevant.length;
  }
  return total / scores.length;
}

/**
 * How many labels one must take from the top to have all true ones, mean over images (scikit-learn's coverage_error). An image with no
 * true label counts 0.
 */
export function coverageError({ truth, scores }: LabelPredictions): number {
  let total = 0;
  for (const [i, row] of scores.entries()) {
    const lowest = Math.min(...relevantLabels(truth[i]).map((label) => row[label]));
    total += Array.from(row).filter((score) => score >= lowest).length;
  }
  return total / scores.length;
}

const relevantLabels = (row: ArrayLike<number>): number[] =>
  Array.from(row, (value, label) => (value === 1 ? label : -1)).filter((label) => label >= 0);
