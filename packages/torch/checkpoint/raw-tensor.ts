import type { DType } from '../tensor.ts';
import { CheckpointError } from './checkpoint-error.ts';

/** A tensor as it lies in a file: `bytes` are its elements, row-major and little-endian, in memory of their own. */
export interface RawTensor {
  readonly dtype: DType;
  readonly shape: number[];
  readonly bytes: Uint8Array;
}

export const ELEMENT_BYTES: Readonly<Record<DType, number>> = {
  float64: 8,
  int64: 8,
  float32: 4,
  int32: 4,
  float16: 2,
  bfloat16: 2,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/** More dimensions than any real tensor has; libtorch's own iterators stop at 64. */
export const MAX_DIMENSIONS = 64;

/** Product of `shape`, or null when a size is not a whole number ≥ 0 or the product is not exact in a double. */
export function elementCount(shape: readonly unknown[]): number | null {
  let count = 1;
  for (const size of shape) {
    if (!isCount(size)) return null;
    count *= size;
    if (!Number.isSafeInteger(count)) return null;
  }
  return count;
}

/** True for whole numbers ≥ 0 that a double holds exactly. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Booleans are the one type for which not every byte is a value: libtorch relies on 0 and 1. */
export function checkedBooleans(raw: RawTensor, file: string, tensor: string): RawTensor {
  if (raw.dtype === 'bool') {
    const at = raw.bytes.findIndex((byte) => byte > 1);
    if (at >= 0) {
      const problem = `element ${at} should be a boolean, 0 or 1, but is ${raw.bytes[at]}`;
      throw new CheckpointError({ code: 'invalid', file, tensor, problem });
    }
  }
  return raw;
}
