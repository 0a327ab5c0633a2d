import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CheckpointError } from './checkpoint-error.ts';

const MOST_PER_CALL = 1 << 30;

/**
 * Writes `path` so that at any moment, power cuts included, it holds either its old content or the whole new one:
 * a temporary file in the same folder, fsync, rename, fsync of the folder. Nothing stays behind after an error.
 *
 * @param produce is given `write`, which resolves once the bytes are handed over; they may be reused after that.
 * @throws CheckpointError `unwritable`, with the system's reason (disk full, not permitted, no such folder).
 */
export async function writeAtomically(
  path: string,
  produce: (write: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  const file = await open(temporary, 'wx').catch((cause) => {
    throw unwritable(path, cause);
  });
  try {
    try {
      await produce((bytes) => writeAll(file, bytes, path));
      await file.sync().catch((cause) => {
        throw unwritable(path, cause);
      });
    } finally {
      await file.close();
    }
    await rename(temporary, path).catch((cause) => {
      throw unwritable(path, cause);
    });
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
  await syncFolder(dirname(path));
}

async function writeAll(file: FileHandle, bytes: Uint8Array, path: string): Promise<void> {
  try {
    for (let done = 0; done < bytes.length; ) {
      done += (await file.write(bytes, done, Math.min(bytes.length - done, MOST_PER_CALL))).bytesWritten;
    }
  } catch (cause) {
    throw unwritable(path, cause as NodeJS.ErrnoException);
  }
}

/** Without this a rename can be lost in a power cut although the file's bytes are safe. */
async function syncFolder(folder: string): Promise<void> {
  // Windows and some network file systems cannot open or sync a folder; there the rename is as durable as it gets.
  const handle = await open(folder, 'r').catch(() => null);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

function unwritable(path: string, cause: NodeJS.ErrnoException): CheckpointError {
  const known: Record<string, [problem: string, hint: string]> = {
    ENOSPC: ['no space left on the disk', 'Nothing was kept; free some space or write to another disk'],
    EDQUOT: ['the disk quota is used up', 'Nothing was kept; free some space or write to another disk'],
    ENOENT: [`the folder ${dirname(path)} does not exist`, 'Create it first'],
  };
  const [problem, hint] = known[cause.code ?? ''] ?? [`cannot be written: ${cause.message}`, undefined];
  return new CheckpointError({ code: 'unwritable', file: path, problem, ...(hint && { hint }) }, cause);
}
