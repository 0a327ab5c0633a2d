import {
  type Assignment,
  type Distribution,
  isDistribution,
  isMap,
  type Space,
  type SpaceValue,
  subSpaces,
  type Value,
} from './space.ts';

/** Uniform in [0, 1), as `Math.random`. */
export type RandomSource = () => number;

/**
 * One independent draw: with several sub-spaces one of them is picked uniformly, then each of its parameters is drawn.
 * Draws follow the documented formulas and are not clipped: `quniform` may leave its bounds by rounding, and normals are
 * unbounded.
 *
 * @throws RangeError for an empty space or an empty choice.
 */
export function sampleRandom(space: Space, random: RandomSource): Assignment {
  return drawAll(pick(subSpaces(space), random), random);
}

function drawAll(map: { readonly [key: string]: SpaceValue }, random: RandomSource): Assignment {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, draw(value, random)]));
}

function draw(value: SpaceValue, random: RandomSource): Value {
  if (isDistribution(value)) return drawFrom(value, random);
  return isMap(value) ? drawAll(value, random) : (value as Value);
}

function drawFrom(distribution: Distribution, random: RandomSource): Value {
  switch (distribution.type) {
    case 'choice':
      return draw(pick(distribution.values, random), random);
    case 'randint':
      return Math.floor(random() * distribution.upper);
    case 'uniform':
      return uniform(distribution, random);
    case 'quniform':
      return quantise(uniform(distribution, random), distribution.q);
    case 'loguniform':
      return Math.exp(uniform(distribution, random));
    case 'qloguniform':
      return quantise(Math.exp(uniform(distribution, random)), distribution.q);
    case 'normal':
      return normal(distribution, random);
    case 'qnormal':
      return quantise(normal(distribution, random), distribution.q);
    case 'lognormal':
      return Math.exp(normal(distribution, random));
    case 'qlognormal':
      return quantise(Math.exp(normal(distribution, random)), distribution.q);
  }
}

function pick<T>(items: readonly T[], random: RandomSource): T {
  if (items.length === 0) throw new RangeError('nothing to choose from');
  return items[Math.floor(random() * items.length)] as T;
}

function uniform({ min_value: min, max_value: max }: { min_value: number; max_value: number }, random: RandomSource) {
  return min + (max - min) * random();
}

/** Box and Muller 1958. `1 - random()` is in (0, 1], so the logarithm is finite. */
function normal({ mu, sigma }: { mu: number; sigma: number }, random: RandomSource): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return mu + sigma * radius * Math.cos(2 * Math.PI * random());
}

/** `round(x / q) · q`; adding 0 turns −0 into 0. */
function quantise(value: number, q: number): number {
  return Math.round(value / q) * q + 0;
}
