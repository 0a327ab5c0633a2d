import { factorise, inverse, solveLower, solveUpper } from './cholesky.ts';

/** One input of a Gaussian process. */
export interface Input {
  /** `number`: in [0, 1], what is near is alike. `option`: equal or not. */
  readonly kind: 'number' | 'option';
}

/** What is believed of a value: normally distributed. */
export interface Belief {
  readonly mean: number;
  readonly deviation: number;
}

/** Beliefs about a function of inputs, by values that were seen. */
export interface GaussianProcess {
  at(point: Float64Array): Belief;
}

/** Logarithms of what is learned: per input 1/ℓ², then the variance, the noise's variance, and the odds of the additive part. */
type Theta = Float64Array;

/** Normal distributions of the logarithms, before any value is seen: mean and deviation. */
interface Prior {
  readonly mean: Theta;
  readonly deviation: Theta;
}

/**
 * Length scales of all inputs together, before any value is seen: with more inputs points are farther apart, in proportion to the root
 * of their number (Hvarfner et al. 2024, https://arxiv.org/abs/2402.02229).
 */
const LENGTH = 0.22;
/** By which factor each may well be another. */
const LENGTH_FACTOR = Math.exp(0.8);
/** Of the noise, as a part of the variance of the values. */
const NOISE = 1e-3;
const NOISE_FACTOR = Math.exp(2);
const LEAST_NOISE = 1e-8;
/** Odds that a difference is of the additive part. */
const ADDITIVE_ODDS = Math.E;

const ROUNDS = 40;

/**
 * Beliefs about a function with mean 0 that was seen at some points.
 *
 * @param points `[n][inputs]`
 * @param values `[n]`
 */
export function gaussianProcess(
  { covariance, variance, noise: leastNoise }: Kernel,
  points: readonly Float64Array[],
  values: Float64Array,
): GaussianProcess {
  const n = points.length;
  const factor = new Float64Array(n * n);
  // Points that are as good as the same need more noise to be told apart.
  for (let noise = leastNoise; ; noise *= 10) {
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < i; k++) factor[i * n + k] = covariance(points[i], points[k]);
      factor[i * n + i] = variance + noise;
    }
    if (factorise(factor, n)) break;
  }
  const weights = Float64Array.from(values);
  solveLower(factor, n, weights);
  solveUpper(factor, n, weights);

  const shared = new Float64Array(n);
  return {
    at(point) {
      let mean = 0;
      for (let i = 0; i < n; i++) {
        shared[i] = covariance(point, points[i]);
        mean += shared[i] * weights[i];
      }
      solveLower(factor, n, shared);
      const left = shared.reduce((rest, part) => rest - part * part, variance);
      return { mean, deviation: Math.sqrt(Math.max(left, 1e-12)) };
    },
  };
}

/** How values at two points go together. */
export interface Kernel {
  readonly covariance: (a: Float64Array, b: Float64Array) => number;
  /** Of any value. */
  readonly variance: number;
  /** Variance of what is seen around what is. */
  readonly noise: number;
}

/**
 * The covariance by which the values of some points are the most probable. It is a sum of two: one of all inputs together, Matérn 5/2
 * with a length scale of each, and the mean of such ones of each input alone (Duvenaud et al. 2011, https://arxiv.org/abs/1112.4394):
 * what hyperparameters do to a metric is in good part a sum, which few trials tell much of. Length scales, variances and how much the
 * sum counts are learned.
 *
 * @param points `[n][inputs]`
 * @param values `[n]`, with mean 0 and variance 1
 */
export function learnKernel(points: readonly Float64Array[], values: Float64Array, inputs: readonly Input[]): Kernel {
  return kernelOf(mostProbable(new Likelihood(points, values, inputs), inputs.length), inputs);
}

/** Matérn 5/2 by the squared distance in length scales. Rasmussen and Williams 2006, equation 4.17. */
function matern(squared: number): number {
  const r = Math.sqrt(5 * squared);
  return (1 + r + (r * r) / 3) * Math.exp(-r);
}

/** Its derivative. */
function maternSlope(squared: number): number {
  const r = Math.sqrt(5 * squared);
  return (-5 / 6) * (1 + r) * Math.exp(-r);
}

function kernelOf(theta: Theta, inputs: readonly Input[]): Kernel {
  const count = inputs.length;
  const scales = theta.subarray(0, count).map(Math.exp);
  const isOption = inputs.map(({ kind }) => kind === 'option');
  const differing = scales.map(matern);
  const variance = Math.exp(theta[count]);
  const additive = share(theta[count + 2]);
  return {
    variance,
    noise: Math.exp(theta[count + 1]) + LEAST_NOISE,
    covariance(a: Float64Array, b: Float64Array): number {
      let squared = 0;
      let sum = 0;
      for (let j = 0; j < count; j++) {
        const apart = a[j] - b[j];
        if (apart === 0) sum += 1;
        else if (isOption[j]) {
          squared += scales[j];
          sum += differing[j];
        } else {
          const own = scales[j] * apart * apart;
          squared += own;
          sum += matern(own);
        }
      }
      return variance * ((1 - additive) * matern(squared) + (additive * sum) / count);
    },
  };
}

const share = (logOdds: number): number => 1 / (1 + Math.exp(-logOdds));

function priorOf(inputs: number): Prior {
  const mean = new Float64Array(inputs + 3);
  const deviation = new Float64Array(inputs + 3).fill(1);
  mean.fill(-2 * Math.log(LENGTH * Math.sqrt(inputs)), 0, inputs);
  deviation.fill(2 * Math.log(LENGTH_FACTOR), 0, inputs);
  mean[inputs + 1] = Math.log(NOISE);
  deviation[inputs + 1] = Math.log(NOISE_FACTOR);
  mean[inputs + 2] = Math.log(ADDITIVE_ODDS);
  return { mean, deviation };
}

/** Minus the logarithm of how probable values are, and its gradient. */
class Likelihood {
  readonly #values: Float64Array;
  /** Per input the squared distances of all pairs of points, in the order (1, 0), (2, 0), (2, 1), (3, 0) … */
  readonly #distances: readonly Float64Array[];

  constructor(points: readonly Float64Array[], values: Float64Array, inputs: readonly Input[]) {
    this.#values = values;
    this.#distances = inputs.map(({ kind }, j) => {
      const distances: number[] = [];
      for (let i = 1; i < points.length; i++) {
        for (let k = 0; k < i; k++) {
          const apart = points[i][j] - points[k][j];
          distances.push(kind === 'option' ? Number(apart !== 0) : apart * apart);
        }
      }
      return Float64Array.from(distances);
    });
  }

  /** @returns Infinity where the covariances are not those of any function, to the precision of doubles */
  at(theta: Theta, gradient: Float64Array): number {
    const count = this.#distances.length;
    const n = this.#values.length;
    const pairs = (n * (n - 1)) / 2;
    const variance = Math.exp(theta[count]);
    const noise = Math.exp(theta[count + 1]);
    const additive = share(theta[count + 2]);

    const squared = new Float64Array(pairs);
    const sums = new Float64Array(pairs);
    for (const [j, distances] of this.#distances.entries()) {
      const scale = Math.exp(theta[j]);
      for (let p = 0; p < pairs; p++) {
        const own = scale * distances[p];
        squared[p] += own;
        sums[p] += (own === 0 ? 1 : matern(own)) / count;
      }
    }
    const joint = squared.map(matern);
    const factor = new Float64Array(n * n);
    for (let i = 0, p = 0; i < n; i++) {
      for (let k = 0; k < i; k++, p++) factor[i * n + k] = variance * ((1 - additive) * joint[p] + additive * sums[p]);
      factor[i * n + i] = variance + noise + LEAST_NOISE;
    }
    if (!factorise(factor, n)) return Number.POSITIVE_INFINITY;
    const weights = Float64Array.from(this.#values);
    solveLower(factor, n, weights);
    let loss = 0;
    for (let i = 0; i < n; i++) loss += 0.5 * weights[i] ** 2 + Math.log(factor[i * n + i]);
    solveUpper(factor, n, weights);

    // ∂/∂θ = ½ tr((A⁻¹ − w·wᵀ) ∂A/∂θ). Rasmussen and Williams 2006, equation 5.9.
    const inverted = inverse(factor, n);
    const slopes = new Float64Array(pairs);
    gradient.fill(0);
    for (let i = 0, p = 0; i < n; i++) {
      for (let k = 0; k < i; k++, p++) {
        const slope = variance * (inverted[i * n + k] - weights[i] * weights[k]);
        slopes[p] = slope;
        gradient[count] += slope * ((1 - additive) * joint[p] + additive * sums[p]);
        gradient[count + 2] += slope * (sums[p] - joint[p]) * additive * (1 - additive);
      }
      const slope = 0.5 * (inverted[i * n + i] - weights[i] ** 2);
      gradient[count] += slope * variance;
      gradient[count + 1] += slope * noise;
    }
    const jointSlopes = squared.map((value, p) => slopes[p] * (1 - additive) * maternSlope(value));
    for (const [j, distances] of this.#distances.entries()) {
      const scale = Math.exp(theta[j]);
      let sum = 0;
      for (let p = 0; p < pairs; p++) {
        const distance = distances[p];
        if (distance === 0) continue;
        sum += distance * (jointSlopes[p] + (slopes[p] * additive * maternSlope(scale * distance)) / count);
      }
      gradient[j] = scale * sum;
    }
    return loss;
  }
}

/** The most probable θ: steps by the signs of the gradient (Riedmiller and Braun 1993, Rprop). */
function mostProbable(likelihood: Likelihood, inputs: number): Theta {
  const prior = priorOf(inputs);
  const theta = Float64Array.from(prior.mean);
  const best = { theta: Float64Array.from(theta), loss: Number.POSITIVE_INFINITY };
  const steps = new Float64Array(theta.length).fill(0.3);
  const before = new Float64Array(theta.length);
  const gradient = new Float64Array(theta.length);
  for (let round = 0; round < ROUNDS; round++) {
    let loss = likelihood.at(theta, gradient);
    for (let j = 0; j < theta.length; j++) {
      const apart = (theta[j] - prior.mean[j]) / prior.deviation[j];
      loss += 0.5 * apart * apart;
      gradient[j] += apart / prior.deviation[j];
    }
    if (!Number.isFinite(loss)) {
      theta.set(best.theta);
      steps.fill(0.05);
      before.fill(0);
      continue;
    }
    if (loss < best.loss) {
      best.loss = loss;
      best.theta.set(theta);
    }
    for (let j = 0; j < theta.length; j++) {
      const agreement = gradient[j] * before[j];
      if (agreement > 0) steps[j] = Math.min(1.5, steps[j] * 1.3);
      if (agreement < 0) {
        steps[j] = Math.max(1e-3, steps[j] / 2);
        gradient[j] = 0;
      }
      theta[j] -= Math.sign(gradient[j]) * steps[j];
      before[j] = gradient[j];
    }
  }
  return best.theta;
}
