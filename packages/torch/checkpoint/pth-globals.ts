import type { DType } from '../tensor.ts';
import { CheckpointError } from './checkpoint-error.ts';
import { isTuple, PickleFunction } from './pickle.ts';
import { numpyFunctions } from './pth-numpy.ts';
import { isCount, MAX_DIMENSIONS } from './raw-tensor.ts';

/** Bytes in the file that tensors are views of. */
export interface StorageRef {
  readonly kind: 'storage';
  readonly key: string;
  readonly dtype: DType;
  /** First element within the stored bytes of `key`: other than 0 only in files from before PyTorch 1.6. */
  readonly start: number;
  readonly count: number;
}

/** A tensor that has not been read yet. Sizes, strides and offset count elements. */
export interface TensorRef {
  readonly kind: 'tensor';
  readonly storage: StorageRef;
  readonly offset: number;
  readonly size: readonly number[];
  readonly stride: readonly number[];
}

/** The first argument of a persistent storage id: `torch.FloatStorage` and its siblings. */
export class StorageType {
  readonly dtype: DType;
  constructor(dtype: DType) {
    this.dtype = dtype;
  }
}

/** A class that may be named, as the type of a rebuilt tensor, but not made. */
class TypeName {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

const STORAGE_TYPES: Readonly<Record<string, DType>> = {
  DoubleStorage: 'float64',
  FloatStorage: 'float32',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  LongStorage: 'int64',
  IntStorage: 'int32',
  ShortStorage: 'int16',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
};

/** The Python class, in the module torch, whose name stands for elements of a type: `FloatStorage`. */
export function storageTypeName(dtype: DType): string {
  const found = Object.keys(STORAGE_TYPES).find((name) => STORAGE_TYPES[name] === dtype);
  if (found === undefined) throw new TypeError(`PyTorch has no storage of ${dtype}`);
  return found;
}

const DTYPE_NAMES = [
  ...['float64', 'float32', 'float16', 'bfloat16', 'int64', 'int32', 'int16', 'int8', 'uint8', 'bool'],
  ...['double', 'float', 'half', 'long', 'int', 'short', 'complex64', 'complex128'],
];

/**
 * Every global name that a checkpoint of data may use: what `torch.save` writes for tensors, and plain data of Python and numpy.
 * Each is our own function over data; nothing is imported, looked up or constructed by name.
 *
 * @returns what a name stands for, undefined when it is none of these
 * @param budget how many items these functions may copy in all, so that a small file cannot ask for the same copy for ever.
 */
export function pthGlobals(file: string, budget: number): (name: string) => unknown {
  let left = budget;
  const fail = (problem: string) => new CheckpointError({ code: 'invalid', file, problem });
  const charge = (items: number) => {
    left -= items;
    if (left < 0) throw fail('its pickle copies the same values over and over');
  };

  const orderedDict = (args: readonly unknown[]) => {
    const dict = new Map<unknown, unknown>();
    const items = args[0] ?? [];
    if (items instanceof Map) {
      charge(items.size);
      for (const [key, value] of items) dict.set(key, value);
    } else if (Array.isArray(items)) {
      charge(items.length);
      for (const pair of items) {
        if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] === 'bigint')
          throw fail('an OrderedDict is not made of pairs');
        dict.set(pair[0], pair[1]);
      }
    } else throw fail('an OrderedDict is not made of pairs');
    return dict;
  };
  const set = (args: readonly unknown[]) => {
    const items = args[0] ?? [];
    if (!Array.isArray(items) || items.some((item) => typeof item === 'bigint'))
      throw fail('a set is not made of a list');
    charge(items.length);
    return new Set(items);
  };

  const rebuildTensor = (args: readonly unknown[]): TensorRef => {
    const [storage, offset, size, stride] = args;
    if (!isStorage(storage)) throw fail('a tensor is made of something that is not a storage');
    if (!isCount(offset) || !isSizes(size) || !isSizes(stride) || size.length !== stride.length) {
      throw fail('a tensor has an impossible offset, shape or stride');
    }
    return { kind: 'tensor', storage, offset, size, stride };
  };
  const rebuildParameter = ([data]: readonly unknown[]) => {
    if (!isTensor(data)) throw fail('a Parameter is made of something that is not a tensor');
    return data;
  };
  // Tensors and Parameters with attributes of their own; the attributes are dropped.
  const rebuildFromType = ([rebuild, type, args]: readonly unknown[]) => {
    if (!(rebuild instanceof PickleFunction) || !(type instanceof TypeName) || !isTuple(args)) {
      throw fail('a tensor is rebuilt from something else');
    }
    return rebuildParameter([rebuild.call(args)]);
  };

  const latin1 = ([text, encoding]: readonly unknown[]) => {
    if (typeof text !== 'string' || (encoding !== 'latin1' && encoding !== 'latin-1'))
      throw fail('bytes are not written as latin1');
    charge(text.length);
    return new Uint8Array(Buffer.from(text, 'latin1'));
  };
  const device = ([type, index]: readonly unknown[]) => {
    if (typeof type !== 'string' || type.length > 32) throw fail('a device has no name');
    return isCount(index) ? `${type}:${index}` : type;
  };

  const ofNumpy = numpyFunctions(file);
  const table = new Map<string, unknown>();
  const offer = (name: string, call: (args: readonly unknown[]) => unknown) =>
    table.set(name, new PickleFunction(name, call));
  offer('collections.OrderedDict', orderedDict);
  offer('collections.Counter', orderedDict);
  for (const builtins of ['builtins', '__builtin__']) {
    offer(`${builtins}.set`, set);
    offer(`${builtins}.frozenset`, set);
    // Protocol 2 has no other way to write b''.
    offer(`${builtins}.bytes`, () => new Uint8Array(0));
  }
  offer('_codecs.encode', latin1);
  offer('torch._utils._rebuild_tensor', rebuildTensor);
  offer('torch._utils._rebuild_tensor_v2', rebuildTensor);
  offer('torch._utils._rebuild_parameter', rebuildParameter);
  offer('torch._utils._rebuild_parameter_with_state', rebuildParameter);
  offer('torch._tensor._rebuild_from_type_v2', rebuildFromType);
  offer('torch.Size', ([sizes]) => sizes ?? []);
  offer('torch.device', device);
  offer('torch.serialization._get_layout', ([name]) => name);
  for (const numpy of ['numpy', 'numpy.core.multiarray', 'numpy._core.multiarray']) {
    offer(`${numpy}.dtype`, ofNumpy.dtype);
    offer(`${numpy}.scalar`, ofNumpy.scalar);
    offer(`${numpy}._reconstruct`, ofNumpy.reconstruct);
  }
  for (const name of ['torch.Tensor', 'torch.nn.parameter.Parameter', 'numpy.ndarray'])
    table.set(name, new TypeName(name));
  for (const [name, dtype] of Object.entries(STORAGE_TYPES)) {
    table.set(`torch.${name}`, new StorageType(dtype));
    table.set(`torch.cuda.${name}`, new StorageType(dtype));
  }
  for (const name of ['torch.UntypedStorage', 'torch.storage.UntypedStorage', 'torch.storage._UntypedStorage']) {
    table.set(name, new StorageType('uint8'));
  }
  for (const name of DTYPE_NAMES) table.set(`torch.${name}`, `torch.${name}`);

  return (name) => table.get(name);
}

export function isTensor(value: unknown): value is TensorRef {
  return isRef(value, 'tensor');
}

export function isStorage(value: unknown): value is StorageRef {
  return isRef(value, 'storage');
}

/** A pickle can only make Maps, Sets, arrays and bytes, so that a plain object with a `kind` is ours. */
function isRef(value: unknown, kind: string): boolean {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind;
}

function isSizes(value: unknown): value is readonly number[] {
  return isTuple(value) && value.length <= MAX_DIMENSIONS && value.every(isCount);
}

/** The error for a name that is none of these. */
export function refusedGlobal(file: string, name: string): CheckpointError {
  const quantized = /(QInt|QUInt|_rebuild_qtensor)/.test(name);
  const sparse = name.includes('sparse');
  const complex = /^torch\.Complex/.test(name);
  if (quantized || sparse || complex) {
    const kind = quantized ? 'a quantised' : sparse ? 'a sparse' : 'a complex';
    const problem = `holds ${kind} tensor (${name}); dense real tensors are read`;
    return new CheckpointError({ code: 'unsupported', file, problem });
  }
  return new CheckpointError({
    code: 'refused',
    file,
    problem: `needs the Python object ${name.slice(0, 200)}, which is not a tensor or plain data; code from checkpoints never runs here`,
    hint:
      'If you trust the file, convert it once where its program is installed: python -c "import torch; ' +
      "c = torch.load('FILE', map_location='cpu'); torch.save(c['state_dict'], 'weights.pth')\" " +
      "(or c['model'].state_dict(), as the file has it)",
  });
}
