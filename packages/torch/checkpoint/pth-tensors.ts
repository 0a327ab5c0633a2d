import { byteCount, CheckpointError, type CheckpointErrorCode, quoted } from './checkpoint-error.ts';
import type { PthArchive } from './pth-archive.ts';
import { isStorage, isTensor, refusedGlobal, type StorageRef, type TensorRef } from './pth-globals.ts';
import { PickledModule } from './pth-modules.ts';
import { NumpyArray } from './pth-numpy.ts';
import { checkedBooleans, ELEMENT_BYTES, elementCount, isCount, type RawTensor } from './raw-tensor.ts';

/** Nesting of lists and dicts that anything real stays far below, and that recursive code can follow. */
const MAX_DEPTH = 500;

/** Reads the tensors of an archive, one after the other, and makes a `T` of each. */
export interface TensorReader<T> {
  /** @param name of the tensor, for errors. */
  read(ref: TensorRef | StorageRef, name: string): Promise<T>;
  /** A copy of elements that stand in the pickle itself. */
  copy(raw: RawTensor, name: string): T;
}

/**
 * A reader that gives the same `T` for the same view of the same storage, so that tied weights stay tied.
 *
 * Tensors may overlap in their storage or repeat elements (`expand`), so a small file could ask for any amount of memory:
 * in all, four times the size of the file and 64 MB are given.
 */
export function tensorReader<T>(archive: PthArchive, make: (raw: RawTensor) => T): TensorReader<T> {
  const known = new Map<string, T>();
  const budget = 4 * archive.file.size + 64e6;
  let used = 0;
  const take = (bytes: number, name: string): void => {
    used += bytes;
    if (used <= budget) return;
    throw failure(
      archive,
      'unsupported',
      name,
      `repeats elements: the tensors so far take ${byteCount(used)}, of a file of ${byteCount(archive.file.size)}`,
    );
  };
  return {
    copy(raw, name) {
      take(raw.bytes.length, name);
      return make(checkedBooleans({ ...raw, bytes: raw.bytes.slice() }, archive.file.path, name));
    },
    async read(ref, name) {
      const tensor = isStorage(ref) ? wholeOf(ref) : ref;
      const view = `${tensor.storage.start + tensor.offset}/${tensor.size}/${tensor.stride}/${tensor.storage.key}`;
      const before = known.get(view);
      if (before !== undefined) return before;
      take(checkedBytes(archive, tensor, name), name);
      const made = make(checkedBooleans(await readTensor(archive, tensor), archive.file.path, name));
      known.set(view, made);
      return made;
    },
  };
}

/**
 * A copy of the archive's whole object with the tensors read: dicts are Maps, lists and tuples arrays.
 * @throws CheckpointError also for what has no meaning as data, such as a class or a function.
 */
export async function readTree<T>(archive: PthArchive, reader: TensorReader<T>): Promise<unknown> {
  const copies = new Map<object, unknown>();
  const work: { from: object; to: unknown; path: string; depth: number }[] = [];
  // Breadth first over a growing list instead of recursion: lists can be deep, shared, or contain themselves.
  const copy = async (value: unknown, path: string, depth: number): Promise<unknown> => {
    if (typeof value === 'function' || typeof value === 'symbol')
      throw failure(archive, 'refused', path, 'is not data');
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
    if (isTensor(value) || isStorage(value)) return reader.read(value, path);
    const before = copies.get(value);
    if (before !== undefined) return before;
    if (value instanceof PickledModule) throw refusedGlobal(archive.file.path, value.className);
    if (value instanceof NumpyArray && value.raw) {
      const array = reader.copy(value.raw, path);
      copies.set(value, array);
      return array;
    }
    if (depth > MAX_DEPTH)
      throw failure(archive, 'unsupported', path.slice(0, 80), `is nested more than ${MAX_DEPTH} levels deep`);
    const to = Array.isArray(value) ? [] : value instanceof Map ? new Map() : value instanceof Set ? new Set() : null;
    if (to === null) throw failure(archive, 'refused', path, 'is a Python class or function, not data');
    copies.set(value, to);
    work.push({ from: value, to, path, depth });
    return to;
  };
  const root = await copy(archive.root, '', 0);
  for (const { from, to, path, depth } of work) {
    const within = (key: unknown) => (path === '' ? label(key) : `${path}.${label(key)}`);
    if (from instanceof Map) {
      for (const [key, value] of from) {
        const item = await copy(value, within(key), depth + 1);
        (to as Map<unknown, unknown>).set(await copy(key, within(key), depth + 1), item);
      }
    } else if (from instanceof Set) {
      for (const value of from) (to as Set<unknown>).add(await copy(value, within('item'), depth + 1));
    } else {
      let index = 0;
      for (const value of from as Iterable<unknown>)
        (to as unknown[]).push(await copy(value, within(index++), depth + 1));
    }
  }
  return root;
}

function label(key: unknown): string {
  return typeof key === 'string' || typeof key === 'number' ? String(key).slice(0, 200) : 'key';
}

function wholeOf(storage: StorageRef): TensorRef {
  return { kind: 'tensor', storage, offset: 0, size: [storage.count], stride: [1] };
}

/** Memory that the tensor will take, after a check that all its elements lie in its storage. */
function checkedBytes(archive: PthArchive, { storage, offset, size, stride }: TensorRef, name: string): number {
  const bytes = (elementCount(size) ?? Number.NaN) * ELEMENT_BYTES[storage.dtype];
  if (!isCount(bytes)) throw failure(archive, 'invalid', name, `has the impossible shape [${size}]`);
  if (bytes === 0) return 0;
  const last = offset + size.reduce((sum, count, i) => sum + (count - 1) * stride[i], 0);
  if (last >= storage.count) {
    const elements = storage.count === 1 ? 'element' : 'elements';
    const problem = `of shape [${size.join(', ')}] reaches element ${last} of a storage (${quoted(storage.key)}) of ${storage.count} ${elements}`;
    throw failure(archive, 'invalid', name, problem);
  }
  return bytes;
}

async function readTensor(archive: PthArchive, { storage, offset, size, stride }: TensorRef): Promise<RawTensor> {
  const { dtype } = storage;
  const width = ELEMENT_BYTES[dtype];
  const shape = [...size];
  const count = elementCount(size) as number;
  const start = await archive.locate(storage);
  if (count === 0) return { dtype, shape, bytes: new Uint8Array(0) };
  const span = 1 + size.reduce((sum, length, i) => sum + (length - 1) * stride[i], 0);
  const stored = await archive.file.read(start + offset * width, span * width);
  const run = contiguousRun(size, stride);
  return { dtype, shape, bytes: run.elements === count ? stored : gather(stored, size, stride, width, run) };
}

/** How many elements at the end of the shape lie side by side, and how many dimensions these are. */
function contiguousRun(size: readonly number[], stride: readonly number[]): { elements: number; dimensions: number } {
  let elements = 1;
  let dimensions = 0;
  for (let d = size.length - 1; d >= 0; d--, dimensions++) {
    if (size[d] === 1) continue;
    if (stride[d] !== elements) break;
    elements *= size[d];
  }
  return { elements, dimensions };
}

/** Row-major bytes of a strided view. */
function gather(
  stored: Uint8Array,
  size: readonly number[],
  stride: readonly number[],
  width: number,
  run: { elements: number; dimensions: number },
): Uint8Array {
  const outer = size.length - run.dimensions;
  const runBytes = run.elements * width;
  const bytes = Buffer.allocUnsafeSlow((elementCount(size) as number) * width);
  const index = new Array<number>(outer).fill(0);
  let from = 0;
  for (let to = 0; to < bytes.length; to += runBytes) {
    for (let b = 0; b < runBytes; b++) bytes[to + b] = stored[from + b];
    for (let d = outer - 1; d >= 0; d--) {
      from += stride[d] * width;
      if (++index[d] < size[d]) break;
      from -= size[d] * stride[d] * width;
      index[d] = 0;
    }
  }
  return bytes;
}

function failure(archive: PthArchive, code: CheckpointErrorCode, tensor: string, problem: string): CheckpointError {
  return new CheckpointError({ code, file: archive.file.path, ...(tensor && { tensor }), problem });
}
