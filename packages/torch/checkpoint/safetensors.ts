import { native } from '../engine.ts';
import { type DType, Tensor } from '../tensor.ts';
import type { RawTensor } from './raw-tensor.ts';
import { openRawSafetensors, writeRawSafetensors } from './safetensors-file.ts';

/** What a file says about one tensor. */
export interface TensorInfo {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Size in the file. */
  readonly bytes: number;
}

/** An open safetensors file. Close it, or hold it with `await using`. */
export interface SafetensorsFile {
  readonly path: string;
  /** Free text of the writer; empty when there is none. */
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of the file's header. */
  readonly names: readonly string[];
  /** @throws CheckpointError `absent` for a name that the file does not have. */
  info(name: string): TensorInfo;
  /** Reads one tensor, on the CPU, in its stored type. */
  read(name: string): Promise<Tensor>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens a safetensors file: reads and checks its header; tensors are read when asked for.
 *
 * @example
 * await using file = await openSafetensors('model.safetensors');
 * const weight = await file.read('fc.weight');
 *
 * @throws CheckpointError when the file is missing, cut short, contradicts itself, or holds a type that is not read here.
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const raw = await openRawSafetensors(path);
  return {
    path,
    metadata: raw.metadata,
    names: [...raw.entries.keys()],
    info(name) {
      const { dtype, shape, begin, end } = raw.entry(name);
      return { dtype, shape, bytes: end - begin };
    },
    read: async (name) => tensorOver(await raw.read(name)),
    close: () => raw.close(),
    [Symbol.asyncDispose]: () => raw.close(),
  };
}

/** All tensors of a safetensors file by name, in the order of its header. @throws CheckpointError as `openSafetensors` */
export async function readSafetensors(path: string): Promise<Map<string, Tensor>> {
  await using file = await openSafetensors(path);
  const tensors = new Map<string, Tensor>();
  try {
    for (const name of file.names) tensors.set(name, await file.read(name));
  } catch (error) {
    for (const tensor of tensors.values()) tensor.dispose();
    throw error;
  }
  return tensors;
}

/**
 * Writes tensors of any type, device and layout; the bytes of one tensor at a time are held. The file appears whole or not at all,
 * also in a power cut, and the same tensors in the same order give the same bytes. They must not change while it runs.
 *
 * @param metadata free text, kept in the header
 * @throws CheckpointError `unwritable` (disk full, no such folder, not permitted), with nothing left behind.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeRawSafetensors(path, tensors, metadata);
}

/** A tensor over the very bytes that were read: nobody else holds them, so that they need not be copied. @internal */
export function tensorOver({ bytes, dtype, shape }: RawTensor): Tensor {
  return new Tensor(native.fromBuffer(bytes, dtype, shape));
}
