import type { ScoreMatrix } from './predictions.ts';

/** How scores order the images of one label: what lies at or above each score that occurs. Equal scores are one entry. */
export interface ScoreRanking {
  positives: number;
  negatives: number;
  /** The scores that occur, falling. */
  thresholds: Float64Array;
  /** Positives with a score of at least thresholds[i]. */
  truePositives: Uint32Array;
  /** Negatives with a score of at least thresholds[i]. */
  falsePositives: Uint32Array;
}

/** Ranks one column: the label against all others. O(N log N). */
export function rankColumn(scores: ScoreMatrix, column: number): ScoreRanking {
  return rank(scores, column, column + 1);
}

/** Ranks all decisions (image, label) together, as micro averages do. O(N·C·log(N·C)). */
export function rankAll(scores: ScoreMatrix): ScoreRanking {
  return rank(scores, 0, scores.columns);
}

function rank({ rows, isTrue }: ScoreMatrix, from: number, to: number): ScoreRanking {
  const all = new Float64Array(rows.length * (to - from));
  // Positives fill the buffer from its start, negatives from its end. Each side alone is sorted, as numbers: many times faster
  // than sorting indices by a comparison.
  let positives = 0;
  let negativesStart = all.length;
  for (let row = 0; row < rows.length; row++) {
    for (let column = from; column < to; column++) {
      if (isTrue(row, column)) all[positives++] = rows[row][column];
      else all[--negativesStart] = rows[row][column];
    }
  }
  return merge(all.subarray(0, positives).sort(), all.subarray(positives).sort());
}

/** @param positives rising @param negatives rising */
function merge(positives: Float64Array, negatives: Float64Array): ScoreRanking {
  const most = positives.length + negatives.length;
  const thresholds = new Float64Array(most);
  const truePositives = new Uint32Array(most);
  const falsePositives = new Uint32Array(most);
  let p = positives.length;
  let n = negatives.length;
  let count = 0;
  while (p > 0 || n > 0) {
    const score = Math.max(
      p > 0 ? positives[p - 1] : Number.NEGATIVE_INFINITY,
      n > 0 ? negatives[n - 1] : Number.NEGATIVE_INFINITY,
    );
    while (p > 0 && positives[p - 1] === score) p--;
    while (n > 0 && negatives[n - 1] === score) n--;
    thresholds[count] = score;
    truePositives[count] = positives.length - p;
    falsePositives[count] = negatives.length - n;
    count++;
  }
  return {
    positives: positives.length,
    negatives: negatives.length,
    thresholds: thresholds.subarray(0, count),
    truePositives: truePositives.subarray(0, count),
    falsePositives: falsePositives.subarray(0, count),
  };
}

/**
 * Area under the ROC curve by the trapezoidal rule, so that a tie counts half (scikit-learn's roc_auc_score).
 * @returns null when there are no positives or no negatives
 */
export function areaUnderRoc({ positives, negatives, truePositives, falsePositives }: ScoreRanking): number | null {
  if (positives === 0 || negatives === 0) return null;
  let doubled = 0;
  let [lastTrue, lastFalse] = [0, 0];
  for (let i = 0; i < truePositives.length; i++) {
    doubled += (falsePositives[i] - lastFalse) * (truePositives[i] + lastTrue);
    [lastTrue, lastFalse] = [truePositives[i], falsePositives[i]];
  }
  return doubled / 2 / positives / negatives;
}

/**
 * Sum of (R_n − R_{n−1}) · P_n over the scores that occur, without interpolation (scikit-learn's average_precision_score).
 * @returns null when there are no positives
 */
export function averagePrecision({ positives, truePositives, falsePositives }: ScoreRanking): number | null {
  if (positives === 0) return null;
  let sum = 0;
  let last = 0;
  for (let i = 0; i < truePositives.length; i++) {
    const tp = truePositives[i];
    if (tp > last) sum += ((tp - last) / positives) * (tp / (tp + falsePositives[i]));
    last = tp;
  }
  return sum;
}
