import type { ScoreRanking } from './score-ranking.ts';

/** Points of all curves of one table together. */
const POINTS_OF_A_TABLE = 100_000;

/** How many points a curve may have in a table with so many of them: few classes get smooth curves, a thousand a bounded file. */
export const maxPoints = (curves: number): number =>
  Math.max(20, Math.min(500, Math.floor(POINTS_OF_A_TABLE / curves)));

/**
 * The ranking with at most `most` of its scores: as points of a curve they lie at even distances along it, the first and last kept. Counts
 * stay those of the whole, so every point is one of the full curve.
 *
 * @param x of the curve's point that belongs to a score, by its place in the ranking
 * @param y likewise
 */
export function thinned(
  ranking: ScoreRanking,
  most: number,
  x: (place: number) => number,
  y: (place: number) => number,
): ScoreRanking {
  const count = ranking.thresholds.length;
  if (count <= most) return ranking;
  const distance = (place: number): number => Math.abs(x(place) - x(place - 1)) + Math.abs(y(place) - y(place - 1));
  let length = 0;
  for (let place = 1; place < count; place++) length += distance(place);
  const step = length / (most - 1);
  const kept = [0];
  let walked = 0;
  for (let place = 1; place < count - 1 && kept.length < most - 1; place++) {
    const before = Math.floor(walked / step);
    walked += distance(place);
    if (Math.floor(walked / step) > before) kept.push(place);
  }
  kept.push(count - 1);
  return {
    ...ranking,
    thresholds: Float64Array.from(kept, (place) => ranking.thresholds[place]),
    truePositives: Uint32Array.from(kept, (place) => ranking.truePositives[place]),
    falsePositives: Uint32Array.from(kept, (place) => ranking.falsePositives[place]),
  };
}

/** The ranking for a ROC curve of at most so many points beside its start. */
export function thinnedForRoc(ranking: ScoreRanking, most: number): ScoreRanking {
  const { positives, negatives, truePositives, falsePositives } = ranking;
  return thinned(
    ranking,
    most,
    (place) => falsePositives[place] / negatives,
    (place) => truePositives[place] / positives,
  );
}

/** The ranking for a precision–recall curve of at most so many points beside its end. */
export function thinnedForPrecisionRecall(ranking: ScoreRanking, most: number): ScoreRanking {
  const { positives, truePositives, falsePositives } = ranking;
  return thinned(
    ranking,
    most,
    (place) => truePositives[place] / positives,
    (place) => truePositives[place] / (truePositives[place] + falsePositives[place]),
  );
}

/**
 * The score that a share of all scores does not exceed, by linear interpolation (numpy's percentile).
 * @param share in 0..1
 */
export function quantile({ thresholds, truePositives, falsePositives }: ScoreRanking, share: number): number {
  const last = thresholds.length - 1;
  const count = truePositives[last] + falsePositives[last];
  /** The score at a place of all scores in rising order, equal ones included. */
  const at = (rising: number): number => {
    const falling = count - rising;
    let low = 0;
    let high = last;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (truePositives[middle] + falsePositives[middle] >= falling) high = middle;
      else low = middle + 1;
    }
    return thresholds[low];
  };
  const place = share * (count - 1);
  const below = at(Math.floor(place));
  const above = at(Math.min(count - 1, Math.floor(place) + 1));
  return below + (above - below) * (place - Math.floor(place));
}
