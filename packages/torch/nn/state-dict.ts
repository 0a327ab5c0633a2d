import type { Tensor } from '../tensor.ts';

/** What a checkpoint lacked, and what it had too much, by name. */
export interface LoadReport {
  missing: string[];
  unexpected: string[];
}

interface ShapeMismatch {
  name: string;
  expected: number[];
  found: number[];
}

/** A checkpoint does not fit a module. Every key at fault is listed, not only the first. */
export class StateDictError extends Error {
  readonly missing: string[];
  readonly unexpected: string[];
  readonly mismatched: ShapeMismatch[];

  constructor({ missing, unexpected }: LoadReport, mismatched: ShapeMismatch[]) {
    const lines = [
      ...mismatched.map(({ name, expected, found }) => `${name}: shape [${found}], but the model's is [${expected}]`),
      ...missing.map((name) => `${name}: missing in the checkpoint`),
      ...unexpected.map((name) => `${name}: not a name of this model`),
    ];
    super(`The checkpoint does not fit the model (${lines.length} of its entries):\n${lines.join('\n')}`);
    this.name = 'StateDictError';
    this.missing = missing;
    this.unexpected = unexpected;
    this.mismatched = mismatched;
  }
}

/** Compares names and shapes of a checkpoint with a module's own state; throws `StateDictError` when it cannot be loaded. */
export function checkStateDict(
  own: ReadonlyMap<string, Tensor>,
  state: ReadonlyMap<string, Tensor>,
  { strict }: { strict: boolean },
): LoadReport {
  // Checkpoints from before PyTorch 0.4.1 have no count of batches; it matters only for cumulative averages.
  const isOptional = (name: string): boolean => name.endsWith('.num_batches_tracked');
  const missing = [...own.keys()].filter((name) => !state.has(name) && !isOptional(name));
  const unexpected = [...state.keys()].filter((name) => !own.has(name));
  const mismatched: ShapeMismatch[] = [];
  for (const [name, tensor] of own) {
    const value = state.get(name);
    if (value && !sameShape(value.shape, tensor.shape)) {
      mismatched.push({ name, expected: tensor.shape, found: value.shape });
    }
  }
  const report = { missing, unexpected };
  if (mismatched.length > 0) throw new StateDictError(strict ? report : { missing: [], unexpected: [] }, mismatched);
  if (strict && missing.length + unexpected.length > 0) throw new StateDictError(report, []);
  return report;
}

const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((size, dim) => size === b[dim]);
