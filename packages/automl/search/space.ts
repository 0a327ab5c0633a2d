/** A fixed value of a search space: what a trial receives unchanged. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };

/**
 * The ten sampling expressions of the sweep job schema. Bounds of `loguniform` and `qloguniform` are natural-log
 * exponents: `{min_value: -6, max_value: -1}` spans exp(-6) to exp(-1).
 */
export type Distribution =
  | { readonly type: 'choice'; readonly values: readonly SpaceValue[] }
  | { readonly type: 'randint'; readonly upper: number }
  | { readonly type: 'uniform' | 'loguniform'; readonly min_value: number; readonly max_value: number }
  | {
      readonly type: 'quniform' | 'qloguniform';
      readonly min_value: number;
      readonly max_value: number;
      readonly q: number;
    }
  | { readonly type: 'normal' | 'lognormal'; readonly mu: number; readonly sigma: number }
  | { readonly type: 'qnormal' | 'qlognormal'; readonly mu: number; readonly sigma: number; readonly q: number };

/** Keys of each distribution, in the order in which its function form takes them: `quniform(min_value, max_value, q)`. */
export const distributionKeys = {
  choice: ['values'],
  randint: ['upper'],
  uniform: ['min_value', 'max_value'],
  quniform: ['min_value', 'max_value', 'q'],
  loguniform: ['min_value', 'max_value'],
  qloguniform: ['min_value', 'max_value', 'q'],
  normal: ['mu', 'sigma'],
  qnormal: ['mu', 'sigma', 'q'],
  lognormal: ['mu', 'sigma'],
  qlognormal: ['mu', 'sigma', 'q'],
} as const satisfies Record<Distribution['type'], readonly string[]>;

/** A fixed value, a distribution, or (inside a `choice`) a map that holds further distributions. */
export type SpaceValue =
  | string
  | number
  | boolean
  | null
  | Distribution
  | readonly SpaceValue[]
  | { readonly [key: string]: SpaceValue };

/** Parameter name → how it is drawn. */
export type SubSpace = { readonly [parameter: string]: SpaceValue };

/** One map, or a list of maps: conditional sub-spaces, of which each trial belongs to one. */
export type Space = SubSpace | readonly SubSpace[];

/** The values of one trial. */
export type Assignment = { [parameter: string]: Value };

export function isDistribution(value: SpaceValue): value is Distribution {
  return isMap(value) && typeof value.type === 'string' && Object.hasOwn(distributionKeys, value.type);
}

export function subSpaces(space: Space): readonly SubSpace[] {
  return Array.isArray(space) ? space : [space as SubSpace];
}

export function isMap(value: SpaceValue): value is { readonly [key: string]: SpaceValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
