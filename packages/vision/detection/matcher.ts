import { type Tensor, where } from '@fovea/torch';

/** Instead of the index of a true box: overlaps none enough, a negative example. */
export const BELOW_LOW_THRESHOLD = -1;
/** Instead of the index of a true box: too much overlap for a negative example, too little for a positive one. */
export const BETWEEN_THRESHOLDS = -2;

export interface MatcherOptions {
  /** From this quality on, a candidate matches. */
  high: number;
  /** Below this quality, it is a negative example. */
  low: number;
  /**
   * Each true box matches the candidates that overlap it most (all of equal quality), however little that is, so that none goes
   * without. Ren et al. 2015, https://arxiv.org/abs/1506.01497, section 3.1.2.
   */
  allowLowQualityMatches?: boolean;
}

/**
 * For each candidate the true box that it overlaps most.
 *
 * @param quality `[true boxes, candidates]`, e.g. IoU; at least one of each
 * @returns int64 `[candidates]`: an index, `BELOW_LOW_THRESHOLD` or `BETWEEN_THRESHOLDS`
 * @throws RangeError for a matrix without elements
 */
export function matchBoxes(quality: Tensor, { high, low, allowLowQualityMatches = false }: MatcherOptions): Tensor {
  if (low > high) throw new RangeError(`the low threshold of a matcher, ${low}, is above the high one, ${high}`);
  const [truths, candidates] = quality.shape;
  if (truths === 0 || candidates === 0)
    throw new RangeError(`nothing to match: ${truths} true boxes and ${candidates} candidates`);
  const [best, index] = quality.maxDim(0);
  let matches = where(best.lt(high), index.mul(0).add(BETWEEN_THRESHOLDS), index);
  matches = where(best.lt(low), index.mul(0).add(BELOW_LOW_THRESHOLD), matches);
  if (!allowLowQualityMatches) return matches;
  const [most] = quality.maxDim(1, true);
  const isMost = quality.eq(most).maxDim(0)[0];
  return where(isMost, index, matches);
}
