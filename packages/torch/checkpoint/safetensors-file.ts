import type { DType } from '../tensor.ts';
import { writeAtomically } from './atomic-file.ts';
import { byteCount, CheckpointError } from './checkpoint-error.ts';
import { openRandomAccess, type RandomAccessFile } from './random-access-file.ts';
import { checkedBooleans, ELEMENT_BYTES, elementCount, type RawTensor } from './raw-tensor.ts';
import {
  buildSafetensorsHeader,
  MAX_HEADER_BYTES,
  parseSafetensorsHeader,
  type SafetensorsEntry,
  type SafetensorsHeader,
} from './safetensors-header.ts';

/** An open safetensors file before any Tensor is made of it. */
export interface RawSafetensors extends SafetensorsHeader {
  readonly path: string;
  entry(name: string): SafetensorsEntry;
  read(name: string): Promise<RawTensor>;
  close(): Promise<void>;
}

/** Reads and checks the header; the data stays in the file until asked for. */
export async function openRawSafetensors(path: string): Promise<RawSafetensors> {
  const file = await openRandomAccess(path);
  try {
    return await readRawSafetensors(file);
  } catch (error) {
    await file.close();
    throw error;
  }
}

export async function readRawSafetensors(file: RandomAccessFile): Promise<RawSafetensors> {
  const { path } = file;
  const headerBytes = await readHeaderLength(file);
  const dataStart = 8 + headerBytes;
  const header = parseSafetensorsHeader(await file.read(8, headerBytes), file.size - dataStart, path);
  const entry = (name: string): SafetensorsEntry => {
    const found = header.entries.get(name);
    if (found === undefined) {
      throw new CheckpointError({ code: 'absent', file: path, tensor: name, problem: 'the file has no such tensor' });
    }
    return found;
  };
  return {
    path,
    ...header,
    entry,
    async read(name) {
      const { dtype, shape, begin, end } = entry(name);
      const bytes = await file.read(dataStart + begin, end - begin);
      return checkedBooleans({ dtype, shape: [...shape], bytes }, path, name);
    },
    close: () => file.close(),
  };
}

async function readHeaderLength(file: RandomAccessFile): Promise<number> {
  const { path, size } = file;
  const hint = 'The file is damaged, or not a safetensors file';
  if (size < 8) {
    const problem = `is too short for a safetensors file: expected at least 8 bytes, found ${size}`;
    throw new CheckpointError({ code: 'truncated', file: path, problem, hint });
  }
  const start = Buffer.from(await file.read(0, Math.min(size, 9)));
  const length = start.readBigUInt64LE();
  if (length > MAX_HEADER_BYTES) {
    const problem = `claims a header of ${length.toLocaleString('en-US')} bytes; at most ${byteCount(MAX_HEADER_BYTES)} are allowed`;
    throw new CheckpointError({ code: 'invalid', file: path, problem, hint });
  }
  if (Number(length) > size - 8) {
    const problem = `is cut short within its header: expected ${byteCount(Number(length))} of it, found ${byteCount(size - 8)}`;
    throw new CheckpointError({ code: 'truncated', file: path, problem, hint: 'Copy or download it again' });
  }
  if (start[8] !== 0x7b /* { */) {
    throw new CheckpointError({ code: 'invalid', file: path, problem: 'the header does not begin with {', hint });
  }
  return Number(length);
}

/** A tensor that can be asked for its bytes when its turn comes. */
export interface WritableTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  toBytes(): Uint8Array;
}

/** Holds the bytes of one tensor at a time. */
export async function writeRawSafetensors(
  path: string,
  tensors: ReadonlyMap<string, WritableTensor>,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const { bytes: header, order } = buildSafetensorsHeader(tensors, metadata, path);
  await writeAtomically(path, async (write) => {
    await write(header);
    for (const name of order) {
      const tensor = tensors.get(name) as WritableTensor;
      const bytes = tensor.toBytes();
      const expected = (elementCount(tensor.shape) as number) * ELEMENT_BYTES[tensor.dtype];
      if (bytes.length !== expected) {
        const problem = `gave ${byteCount(bytes.length)} where its shape takes ${byteCount(expected)}`;
        throw new CheckpointError({ code: 'invalid', file: path, tensor: name, problem });
      }
      await write(bytes);
    }
  });
}
