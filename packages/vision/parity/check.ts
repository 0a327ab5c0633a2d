import type { Tensor } from '@fovea/torch';

/** One line of a parity report. */
export interface Check {
  name: string;
  passed: boolean;
  /** The figures behind the verdict. */
  says: string;
}

/** A tensor as parity files record it: some of its values, or all when there are few. */
export interface RecordedTensor {
  shape: number[];
  mean?: number;
  /** Of the population. */
  std?: number;
  first?: number[];
  /** [flat index, value] */
  at?: [number, number][];
  values?: number[];
}

/** Deviations are measured in standard deviations of the reference, but never in smaller units than this. */
const LEAST_SCALE = 1e-3;

/** Passes when the largest deviation is within the tolerance. */
export const within = (name: string, worst: number, tolerance: number): Check => ({
  name,
  passed: worst <= tolerance,
  says: `worst ${short(worst)} of ${short(tolerance)}`,
});

export const failed = (name: string, says: string): Check => ({ name, passed: false, says });

/** Passes when both lists are equal, element by element; otherwise shows the first difference. */
export function same(name: string, expected: readonly unknown[], found: readonly unknown[]): Check {
  const [wanted, got] = [expected, found].map((list) => list.map((item) => JSON.stringify(item) ?? 'nothing'));
  const length = Math.max(wanted.length, got.length);
  const differences = Array.from({ length }, (_, index) => index).filter((index) => wanted[index] !== got[index]);
  if (differences.length === 0) return { name, passed: true, says: `${length} of ${length} equal` };
  const [first] = differences;
  return failed(
    name,
    `${differences.length} of ${length} differ; the first, number ${first}: ` +
      `${got[first] ?? 'nothing'}, expected ${wanted[first] ?? 'nothing'}`,
  );
}

/** Compares every recorded value, mean and standard deviation. */
export function tensor(name: string, reference: RecordedTensor, found: Tensor, tolerance: number): Check {
  if (`${found.shape}` !== `${reference.shape}`) {
    return failed(name, `shape [${found.shape}], expected [${reference.shape}]`);
  }
  return within(name, deviation(reference, numbers(found)), tolerance);
}

/** Largest difference over the recorded figures, in standard deviations of the reference. */
function deviation(reference: RecordedTensor, found: ArrayLike<number>): number {
  const { values = [], first = values, at = [] } = reference;
  const own = moments(found);
  const { mean = own.mean, std = own.std } = reference;
  const differences = [
    ...first.map((value, index) => value - found[index]),
    ...at.map(([index, value]) => value - found[index]),
    mean - own.mean,
    std - own.std,
  ];
  return worst(differences) / Math.max(reference.std ?? moments(values).std, LEAST_SCALE);
}

/** Compares the leading values of a tensor that is recorded without its standard deviation: theirs is the unit. */
export function leading(name: string, reference: readonly number[], found: Tensor, tolerance: number): Check {
  const values = numbers(found);
  const differences = reference.map((value, index) => value - values[index]);
  return within(name, worst(differences) / Math.max(moments(reference).std, LEAST_SCALE), tolerance);
}

/** Largest relative difference; figures of different number differ infinitely. */
export function relative(reference: readonly number[], found: readonly number[]): number {
  if (reference.length !== found.length) return Number.POSITIVE_INFINITY;
  return worst(reference.map((value, index) => (value - found[index]) / Math.max(Math.abs(value), Number.MIN_VALUE)));
}

/** Largest absolute value; not a number when one of them is not. */
const worst = (differences: readonly number[]): number =>
  differences.reduce((largest, difference) => Math.max(largest, Math.abs(difference)), 0);

function moments(values: ArrayLike<number>): { mean: number; std: number } {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  const mean = sum / values.length;
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] - mean) ** 2;
  return { mean, std: Math.sqrt(squares / values.length) };
}

/** All elements in row-major order. */
export const numbers = (tensor: Tensor): number[] => Array.from(tensor.data() as ArrayLike<number>, Number);

const short = (value: number): string => (value === 0 ? '0' : value.toExponential(1));
