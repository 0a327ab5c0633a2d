import type { Distribution } from './space.ts';
import { normalCdf, normalQuantile } from './standard-normal.ts';

/** A distribution of numbers. */
export type NumberDistribution = Exclude<Distribution, { type: 'choice' }>;

/**
 * The number below which a share of a distribution lies, so that shares drawn uniformly give numbers drawn from it. Nothing is clipped:
 * rounding to a multiple of `q` may leave the bounds, and normals are unbounded.
 *
 * @param share in [0, 1)
 */
export function quantile(distribution: NumberDistribution, share: number): number {
  switch (distribution.type) {
    case 'randint':
      return Math.floor(share * distribution.upper);
    case 'uniform':
    case 'quniform':
    case 'loguniform':
    case 'qloguniform': {
      const { min_value: min, max_value: max } = distribution;
      return finished(distribution, min + (max - min) * share);
    }
    case 'normal':
    case 'qnormal':
    case 'lognormal':
    case 'qlognormal':
      // Where 0 would be −∞, it is the share that a random 53-bit number stands for.
      return finished(distribution, distribution.mu + distribution.sigma * normalQuantile(Math.max(share, 2 ** -54)));
  }
}

/** The share of a distribution that lies below a number; of one with steps, up to the middle of the number's own. */
export function shareBelow(distribution: NumberDistribution, value: number): number {
  if (distribution.type === 'randint') return inUnit((value + 0.5) / distribution.upper);
  const x = distribution.type.includes('log') ? Math.log(Math.max(0, value)) : value;
  if ('sigma' in distribution) return normalCdf((x - distribution.mu) / distribution.sigma);
  const { min_value: min, max_value: max } = distribution;
  return max === min ? 0.5 : inUnit((x - min) / (max - min));
}

function finished(distribution: NumberDistribution, x: number): number {
  const value = distribution.type.includes('log') ? Math.exp(x) : x;
  // Adding 0 turns −0 into 0.
  return 'q' in distribution ? Math.round(value / distribution.q) * distribution.q + 0 : value;
}

const inUnit = (share: number) => Math.min(1, Math.max(0, share));
