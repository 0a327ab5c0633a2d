import type { ScoreMatrix } from './predictions.ts';
import type { ScoreRanking } from './score-ranking.ts';

/** Points from the highest threshold down; the first, (0, 0), lies above every score and has the threshold null. */
export interface RocCurve {
  fpr: number[];
  tpr: number[];
  thresholds: (number | null)[];
}

/**
 * One point per score that occurs, none left out (scikit-learn's roc_curve with drop_intermediate=False).
 * @returns null when there are no positives or no negatives
 */
export function rocCurve(ranking: ScoreRanking): RocCurve | null {
  const { positives, negatives, thresholds, truePositives, falsePositives } = ranking;
  if (positives === 0 || negatives === 0) return null;
  return {
    fpr: [0, ...Array.from(falsePositives, (count) => count / negatives)],
    tpr: [0, ...Array.from(truePositives, (count) => count / positives)],
    thresholds: [null, ...thresholds],
  };
}

/** Points from the lowest threshold up; the last, precision 1 and recall 0, lies above every score and has the threshold null. */
export interface PrecisionRecallCurve {
  precision: number[];
  recall: number[];
  thresholds: (number | null)[];
}

/**
 * One point per score that occurs, from the lowest on (scikit-learn's precision_recall_curve).
 * @returns null when there are no positives
 */
export function precisionRecallCurve(ranking: ScoreRanking): PrecisionRecallCurve | null {
  const { positives, thresholds, truePositives, falsePositives } = ranking;
  if (positives === 0) return null;
  const precision = Array.from(truePositives, (count, i) => count / (count + falsePositives[i]));
  const recall = Array.from(truePositives, (count) => count / positives);
  return {
    precision: [...precision.reverse(), 1],
    recall: [...recall.reverse(), 0],
    thresholds: [...Array.from(thresholds).reverse(), null],
  };
}

/** Decisions at each threshold, "yes" being a score of at least that: [TP, FP, TN, FN]. */
export function decisionsAt(ranking: ScoreRanking, thresholds: readonly number[]): [number, number, number, number][] {
  const { positives, negatives, truePositives, falsePositives } = ranking;
  return thresholds.map((threshold) => {
    const last = countAtLeast(ranking.thresholds, threshold) - 1;
    const [tp, fp] = last < 0 ? [0, 0] : [truePositives[last], falsePositives[last]];
    return [tp, fp, negatives - fp, positives - tp];
  });
}

/** What is found among the images with the highest scores. */
export interface Gain {
  percent: number;
  /** Images looked at: percent of all, rounded up. */
  taken: number;
  /** Positives found / all positives. */
  cumulative_gain: number;
  /** Precision so far / share of positives in all. */
  lift: number;
}

/**
 * Cumulative gains and lift of one label. Where equal scores lie on both sides of a cut, the images' order decides.
 * @param percents cuts in 0..100, none of them 0
 * @returns null when there are no positives
 */
export function cumulativeGains(
  ranking: ScoreRanking,
  scores: ScoreMatrix,
  column: number,
  percents: readonly number[],
): Gain[] | null {
  const { positives, negatives } = ranking;
  const total = positives + negatives;
  if (positives === 0) return null;
  return percents.map((percent) => {
    const taken = Math.ceil((total * percent) / 100);
    const found = positivesAmongFirst(taken, ranking, scores, column);
    return { percent, taken, cumulative_gain: found / positives, lift: found / taken / (positives / total) };
  });
}

function positivesAmongFirst(taken: number, ranking: ScoreRanking, scores: ScoreMatrix, column: number): number {
  const { thresholds, truePositives, falsePositives } = ranking;
  let low = 0;
  let high = thresholds.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (truePositives[middle] + falsePositives[middle] >= taken) high = middle;
    else low = middle + 1;
  }
  if (truePositives[low] + falsePositives[low] === taken) return truePositives[low];
  let found = low === 0 ? 0 : truePositives[low - 1];
  let left = taken - (low === 0 ? 0 : truePositives[low - 1] + falsePositives[low - 1]);
  for (let row = 0; left > 0; row++) {
    if (scores.rows[row][column] !== thresholds[low]) continue;
    if (scores.isTrue(row, column)) found++;
    left--;
  }
  return found;
}

/** How many of the falling values are at least the bound. */
function countAtLeast(falling: Float64Array, bound: number): number {
  let low = 0;
  let high = falling.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (falling[middle] >= bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
