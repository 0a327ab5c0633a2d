/** Numbers and arrays of numpy that stand beside the weights in checkpoints: a best metric, the boundaries of classes. */
import type { DType } from '../tensor.ts';
import { CheckpointError, quoted } from './checkpoint-error.ts';
import { isTuple } from './pickle.ts';
import { ELEMENT_BYTES, elementCount, type RawTensor } from './raw-tensor.ts';

/** numpy.dtype, known only as far as numbers need it. */
export class NumpyDtype {
  readonly code: string;
  littleEndian = true;
  constructor(code: string) {
    this.code = code;
  }
}

/** numpy.ndarray. */
export class NumpyArray {
  /** null until the pickle has set it. `bytes` are a part of the pickle's own. */
  raw: RawTensor | null = null;
}

const SCALARS: Readonly<Record<string, (view: DataView, littleEndian: boolean) => unknown>> = {
  f8: (view, little) => view.getFloat64(0, little),
  f4: (view, little) => view.getFloat32(0, little),
  f2: (view, little) => view.getFloat16(0, little),
  i8: (view, little) => plain(view.getBigInt64(0, little)),
  i4: (view, little) => view.getInt32(0, little),
  i2: (view, little) => view.getInt16(0, little),
  i1: (view) => view.getInt8(0),
  u8: (view, little) => plain(view.getBigUint64(0, little)),
  u4: (view, little) => view.getUint32(0, little),
  u2: (view, little) => view.getUint16(0, little),
  u1: (view) => view.getUint8(0),
  b1: (view) => view.getUint8(0) !== 0,
};

/** Tensors have no unsigned integers of more than a byte. */
const TENSOR_DTYPES: Readonly<Record<string, DType>> = {
  f8: 'float64',
  f4: 'float32',
  f2: 'float16',
  i8: 'int64',
  i4: 'int32',
  i2: 'int16',
  i1: 'int8',
  u1: 'uint8',
  b1: 'bool',
};

type Call = (args: readonly unknown[]) => unknown;

/** `dtype`, `scalar` and `_reconstruct` as numpy's pickles call them. */
export function numpyFunctions(file: string): { dtype: Call; scalar: Call; reconstruct: Call } {
  const invalid = (problem: string) => new CheckpointError({ code: 'invalid', file, problem });
  return {
    dtype([code]) {
      if (typeof code === 'string' && Object.hasOwn(SCALARS, code)) return new NumpyDtype(code);
      const type = typeof code === 'string' ? quoted(code) : 'another kind';
      const problem = `holds a numpy value of type ${type}; numbers and booleans are read`;
      throw new CheckpointError({ code: 'refused', file, problem });
    },
    scalar([type, data]) {
      const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
      if (!(type instanceof NumpyDtype) || !(bytes instanceof Uint8Array))
        throw invalid('a numpy scalar is not made of bytes');
      if (bytes.length !== Number(type.code[1])) throw invalid(`a numpy ${type.code} has ${bytes.length} bytes`);
      return SCALARS[type.code](new DataView(bytes.buffer, bytes.byteOffset, bytes.length), type.littleEndian);
    },
    // Always an empty array of a byte; its content comes as its state.
    reconstruct: () => new NumpyArray(),
  };
}

/** `ndarray.__setstate__((version, shape, dtype, isFortran, data))`. */
export function setArrayState(file: string, array: NumpyArray, state: unknown): void {
  const [, shape, type, isFortran, bytes] = isTuple(state) ? state : [];
  const fail = (code: 'invalid' | 'unsupported', problem: string) => new CheckpointError({ code, file, problem });
  const isArray = isTuple(shape) && type instanceof NumpyDtype && bytes instanceof Uint8Array;
  if (!isArray || array.raw) throw fail('invalid', 'a numpy array is not made of a shape, a type and bytes');
  const dtype = TENSOR_DTYPES[type.code];
  if (dtype === undefined || !type.littleEndian || (isFortran && shape.length > 1)) {
    throw fail('unsupported', 'holds a numpy array of unsigned integers, big-endian, or in column order');
  }
  const count = elementCount(shape);
  if (count === null || count * ELEMENT_BYTES[dtype] !== bytes.length) {
    throw fail('invalid', `a numpy array of shape [${shape}] has ${bytes.length} bytes`);
  }
  array.raw = { dtype, shape: [...(shape as readonly number[])], bytes };
}

function plain(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
