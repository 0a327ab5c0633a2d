import { type FileHandle, open } from 'node:fs/promises';
import { byteCount, CheckpointError } from './checkpoint-error.ts';

/** A file that is read at positions; memory is taken only for bytes that the file has. */
export interface RandomAccessFile {
  readonly path: string;
  readonly size: number;
  /**
   * Exactly `length` bytes from `position`, in memory of their own.
   * @throws CheckpointError `truncated` when the file does not have them.
   */
  read(position: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Linux reads at most 2 GiB less a page in one call. */
const MOST_PER_CALL = 1 << 30;

/** @throws CheckpointError `unreadable` when `path` is missing, not a file, or not permitted. */
export async function openRandomAccess(path: string): Promise<RandomAccessFile> {
  const handle = await open(path, 'r').catch((cause: NodeJS.ErrnoException) => {
    const problem = cause.code === 'ENOENT' ? 'there is no such file' : `cannot be opened: ${cause.message}`;
    throw new CheckpointError({ code: 'unreadable', file: path, problem }, cause);
  });
  try {
    const status = await handle.stat();
    if (!status.isFile()) throw new CheckpointError({ code: 'unreadable', file: path, problem: 'is not a file' });
    return fileOf(handle, path, status.size);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function fileOf(handle: FileHandle, path: string, size: number): RandomAccessFile {
  return {
    path,
    size,
    async read(position, length) {
      if (position + length > size) throw endsTooEarly(path, position + length, size);
      // Memory of its own, not of Buffer's shared pool: it becomes a tensor's.
      const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
      for (let done = 0; done < length; ) {
        const { bytesRead } = await handle.read(bytes, done, Math.min(length - done, MOST_PER_CALL), position + done);
        if (bytesRead === 0) throw endsTooEarly(path, position + length, position + done);
        done += bytesRead;
      }
      return bytes;
    },
    close: () => handle.close(),
  };
}

function endsTooEarly(file: string, needed: number, found: number): CheckpointError {
  const problem = `is cut short: expected at least ${byteCount(needed)}, found ${byteCount(found)}`;
  return new CheckpointError({ code: 'truncated', file, problem, hint: 'Copy or download it again' });
}
