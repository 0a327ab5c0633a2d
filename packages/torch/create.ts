import { type DType, dtypeOf, type TypedArray } from './dtype.ts';
import { native } from './engine.ts';
import * as ops from './ops.generated.ts';
import type { Generator } from './random.ts';
import { type Device, type MemoryFormat, type Nested, Tensor } from './tensor.ts';

/** Where and as what a new tensor is made; float32 on the CPU where nothing is said. */
export interface TensorOptions {
  dtype?: DType;
  device?: Device;
}

const make = ({ dtype = 'float32', device = 'cpu' }: TensorOptions) => [dtype, null, device, null] as const;

export const zeros = (shape: readonly number[], options: TensorOptions = {}): Tensor =>
  ops.zeros(shape, ...make(options));
export const ones = (shape: readonly number[], options: TensorOptions = {}): Tensor =>
  ops.ones(shape, ...make(options));
export const full = (shape: readonly number[], value: number, options: TensorOptions = {}): Tensor =>
  ops.full(shape, value, ...make(options));
/** Uninitialised memory. */
export const empty = (
  shape: readonly number[],
  { memoryFormat = null, ...options }: TensorOptions & { memoryFormat?: MemoryFormat | null } = {},
): Tensor => ops.emptyMemoryFormat(shape, ...make(options), memoryFormat);
/** Whole numbers from `start` up to, not including, `end`; int64 unless told otherwise. */
export const arange = (start: number, end: number, step = 1, options: TensorOptions = {}): Tensor =>
  ops.arangeStartStep(start, end, step, ...make({ dtype: 'int64', ...options }));
export const linspace = (start: number, end: number, steps: number, options: TensorOptions = {}): Tensor =>
  ops.linspace(start, end, steps, ...make(options));
export const eye = (size: number, options: TensorOptions = {}): Tensor => ops.eye(size, ...make(options));
export const zerosLike = (like: Tensor): Tensor => ops.zerosLike(like);
export const onesLike = (like: Tensor): Tensor => ops.onesLike(like);
export const fullLike = (like: Tensor, value: number): Tensor => ops.fullLike(like, value);
export const emptyLike = (like: Tensor): Tensor => ops.emptyLike(like);

/** Uniform in [0, 1). */
export const rand = (shape: readonly number[], options: TensorOptions & { generator?: Generator } = {}): Tensor =>
  options.generator ? ops.randGenerator(shape, options.generator, ...make(options)) : ops.rand(shape, ...make(options));
/** Standard normal. */
export const randn = (shape: readonly number[], options: TensorOptions & { generator?: Generator } = {}): Tensor =>
  options.generator
    ? ops.randnGenerator(shape, options.generator, ...make(options))
    : ops.randn(shape, ...make(options));
/** Whole numbers, uniform in [low, high). */
export function randint(
  low: number,
  high: number,
  shape: readonly number[],
  options: TensorOptions & { generator?: Generator } = {},
): Tensor {
  const rest = make({ dtype: 'int64', ...options });
  return options.generator
    ? ops.randintLowGenerator(low, high, shape, options.generator, ...rest)
    : ops.randintLow(low, high, shape, ...rest);
}
/** A random order of 0 … n−1. */
export const randperm = (n: number, options: { generator?: Generator } = {}): Tensor =>
  options.generator
    ? ops.randpermGenerator(n, options.generator, ...make({ dtype: 'int64' }))
    : ops.randperm(n, ...make({ dtype: 'int64' }));

export const cat = (tensors: readonly Tensor[], dim = 0): Tensor => ops.cat(tensors, dim);
export const stack = (tensors: readonly Tensor[], dim = 0): Tensor => ops.stack(tensors, dim);
/** Elements of `a` where the condition holds, of `b` elsewhere. */
export const where = (condition: Tensor, a: Tensor, b: Tensor): Tensor => ops.whereSelf(condition, a, b);

/**
 * A CPU tensor over the very memory of a typed array, as `torch.from_numpy`: no copy, a write to one shows in the other. The array
 * stays alive as long as the tensor; its buffer must not be transferred to another thread meanwhile (a SharedArrayBuffer needs none).
 * @throws TorchError when the array's length is not the product of the shape
 * @throws TypeError for arrays that libtorch has no dtype for, and for buffers that can shrink
 */
export function fromTypedArray(array: TypedArray, shape: readonly number[] = [array.length]): Tensor {
  const { buffer } = array;
  if (buffer instanceof ArrayBuffer && buffer.resizable)
    throw new TypeError('a tensor cannot stand on a resizable buffer: its memory could go away');
  return new Tensor(native.fromBuffer(array, dtypeOf(array), shape));
}

/**
 * A tensor from numbers, nested arrays of them or a typed array, copied. The dtype is the typed array's, `bool` for booleans, else float32.
 * @throws TypeError for ragged arrays and for what is no number
 */
export function tensor(values: Nested | TypedArray, { dtype, device = 'cpu' }: TensorOptions = {}): Tensor {
  using flat = ArrayBuffer.isView(values) ? fromTypedArray(values) : fromNested(values);
  const natural = flat.dtype === 'float64' && !(values instanceof Float64Array) ? 'float32' : flat.dtype;
  return ops.toDtypeLayout(flat, dtype ?? natural, null, device, null, false, true);
}

function fromNested(values: Nested): Tensor {
  const shape: number[] = [];
  for (let level: Nested = values; Array.isArray(level); level = level[0]) {
    shape.push(level.length);
    if (level.length === 0) break;
  }
  const flat: (number | boolean)[] = [];
  const walk = (value: Nested, depth: number): void => {
    if (Array.isArray(value)) {
      if (depth === shape.length) throw new TypeError('ragged arrays: an array stands where the first has a number');
      if (value.length !== shape[depth])
        throw new TypeError(`ragged arrays: ${value.length} items where the first has ${shape[depth]}`);
      for (const item of value) walk(item, depth + 1);
    } else {
      if (typeof value !== 'number' && typeof value !== 'boolean')
        throw new TypeError(`a tensor holds numbers or booleans, not ${value === null ? 'null' : typeof value}`);
      if (depth !== shape.length) throw new TypeError('ragged arrays: a number stands where the first has an array');
      flat.push(value);
    }
  };
  walk(values, 0);
  // Numbers go through float64, so that integers up to 2^53 arrive whole in whichever dtype was asked for.
  const booleans = flat.length > 0 && flat.every((value) => typeof value === 'boolean');
  using wide = fromTypedArray(Float64Array.from(flat, Number), shape);
  return wide.to({ dtype: booleans ? 'bool' : 'float64' });
}
