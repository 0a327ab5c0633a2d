import { normalCdf } from './standard-normal.ts';

/**
 * Logarithm of how much less than `best` a normally distributed value is expected to be, where it is less (Jones et al. 1998). The
 * logarithm tells candidates apart whose improvement is next to impossible (Ament et al. 2023, https://arxiv.org/abs/2310.20708).
 *
 * @param deviation above 0
 */
export function logExpectedImprovement(best: number, mean: number, deviation: number): number {
  const z = (best - mean) / deviation;
  return Math.log(deviation) + logOfPart(z);
}

/** log(z·Φ(z) + φ(z)) */
function logOfPart(z: number): number {
  if (z > -5) return Math.log(z * normalCdf(z) + Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI));
  // The two terms cancel out; Φ(z) = φ(z)·(1 − 1/z² + 3/z⁴ − 15/z⁶ …)/|z| leaves φ(z)/z²·(1 − 3/z² + 15/z⁴ …).
  const u = 1 / (z * z);
  return -0.5 * z * z - 0.5 * Math.log(2 * Math.PI) + Math.log(u * (1 - 3 * u + 15 * u * u - 105 * u ** 3));
}
