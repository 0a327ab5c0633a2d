import type { Tensor } from '@fovea/torch';
import { type Check, failed, within } from './figures.ts';

export { type Check, failed, same, within } from './figures.ts';

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

/** Compares every recorded value, mean and standard deviation. */
export function tensor(name: string, reference: RecordedTensor, found: Tensor, tolerance: number): Check {
  if (`${found.shape}` !== `${reference.shape}`) {
    return failed(name, `shape [${found.shape}], expected [${reference.shape}]`);
  }
  return within(name, deviation(reference, numbers(found)), tolerance);
}

/** Largest difference over the recorded figures, in standard deviations of the reference. */
function deviation(reference: RecordedTensor, found: ArrayLike<number>): number {
  return (
    largestDeviation(reference, found) / Math.max(reference.std ?? moments(reference.values ?? []).std, LEAST_SCALE)
  );
}

/** Largest difference over the recorded figures. */
export function largestDeviation(reference: RecordedTensor, found: ArrayLike<number>): number {
  const { values = [], first = values, at = [] } = reference;
  const own = moments(found);
  const { mean = own.mean, std = own.std } = reference;
  const differences = [
    ...first.map((value, index) => value - found[index]),
    ...at.map(([index, value]) => value - found[index]),
    mean - own.mean,
    std - own.std,
  ];
  return worst(differences);
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
