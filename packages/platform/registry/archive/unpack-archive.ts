import { mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { type ArchiveEntry, archiveRefused } from './archive-entry.ts';
import { archiveNames } from './archive-names.ts';
import { tarEntries } from './tar-entries.ts';
import { zipEntries } from './zip-entries.ts';

/** What an archive may become. */
export interface UnpackLimits {
  readonly files: number;
  /** Of all files together. */
  readonly bytes: number;
  /** How much larger than the archive. What weights and settings consist of hardly shrinks at all. */
  readonly ratio: number;
  /** So much is unpacked whatever its ratio. */
  readonly freeBytes: number;
}

export const unpackLimits: UnpackLimits = { files: 10_000, bytes: 32 * 2 ** 30, ratio: 100, freeBytes: 64 * 2 ** 20 };

export type ArchiveFormat = 'zip' | 'tar' | 'tar.gz';

/** What a file is an archive of, by its first bytes; null: of none that is known. */
export async function archiveFormat(file: string): Promise<ArchiveFormat | null> {
  const handle = await open(file);
  try {
    const head = Buffer.alloc(262);
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    const start = head.subarray(0, bytesRead);
    // A zip archive begins with its first file, or, empty, with its end.
    if (['504b0304', '504b0506', '504b0708'].includes(start.toString('hex', 0, 4))) return 'zip';
    if (start.toString('hex', 0, 2) === '1f8b') return 'tar.gz';
    return start.toString('latin1', 257, 262) === 'ustar' ? 'tar' : null;
  } finally {
    await handle.close();
  }
}

/** What computers add by themselves and no model has. */
const isLitter = (parts: readonly string[]) => parts[0] === '__MACOSX' || parts.at(-1) === '.DS_Store';

/**
 * Unpacks an archive into a folder that is there and empty. Only files and folders below it are written, by the names that the archive
 * gives them; whatever else it holds, or says of itself wrongly, and it is refused as a whole. What was written by then is left to the
 * caller to remove.
 *
 * @throws Refusal (`ArchiveRefused`) that says what is wrong with the archive
 */
export async function unpackArchive(
  archive: string,
  format: ArchiveFormat,
  folder: string,
  limits: UnpackLimits = unpackLimits,
): Promise<void> {
  const size = await sizeOf(archive);
  const names = archiveNames();
  const budget = budgetOf(archive, size, limits);
  const entries =
    format === 'zip'
      ? zipEntries(archive)
      : tarEntries(archive, {
          isCompressed: format === 'tar.gz',
          mostBytes: mostBytesOf(size, limits) + tarBytes(limits),
        });
  for await (const entry of entries) {
    const name = JSON.stringify(entry.name.slice(0, 300));
    if (typeof entry.kind === 'object')
      throw archiveRefused(archive, `${name} is ${entry.kind.other}; a model has files and folders alone`);
    let parts: readonly string[];
    try {
      parts = names.take(entry.name, entry.kind === 'folder');
    } catch (error) {
      throw archiveRefused(archive, `the name ${name} ${(error as Error).message}`);
    }
    budget.file();
    // Before the first byte, where the archive is honest.
    budget.check(entry.size);
    if (isLitter(parts)) continue;
    if (entry.kind === 'folder') {
      await mkdir(join(folder, ...parts), { recursive: true });
      continue;
    }
    await mkdir(join(folder, ...parts.slice(0, -1)), { recursive: true });
    await writeEntry(archive, entry, join(folder, ...parts), budget);
  }
}

const mostBytesOf = (size: number, { bytes, ratio, freeBytes }: UnpackLimits) =>
  Math.min(bytes, Math.max(freeBytes, ratio * size));

/** What tar writes besides files: heads, filled up blocks, long names, the end; a tape's length of zeros. */
const tarBytes = ({ files }: UnpackLimits) => files * 4096 + 2 ** 20;

async function sizeOf(file: string): Promise<number> {
  const handle = await open(file);
  try {
    return (await handle.stat()).size;
  } finally {
    await handle.close();
  }
}

/** What is left to be written. */
interface Budget {
  /** Another file or folder. */
  file(): void;
  /** Whether so much more would be too much. */
  check(bytes: number): void;
  /** So much more. */
  write(bytes: number): void;
}

function budgetOf(archive: string, size: number, limits: UnpackLimits): Budget {
  let [files, bytes] = [0, 0];
  const check = (more: number) => {
    const whole = bytes + more;
    if (whole > limits.bytes) throw archiveRefused(archive, `it unpacks to more than ${gibibytes(limits.bytes)}`);
    if (whole > Math.max(limits.freeBytes, limits.ratio * size))
      throw archiveRefused(archive, `it unpacks to more than ${limits.ratio} times its own size, as no model does`);
  };
  return {
    check,
    file() {
      if (++files > limits.files)
        throw archiveRefused(archive, `it has more than ${limits.files.toLocaleString('en')} files`);
    },
    write(more) {
      check(more);
      bytes += more;
    },
  };
}

const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toLocaleString('en', { maximumFractionDigits: 1 })} GiB`;

async function writeEntry(archive: string, entry: ArchiveEntry, to: string, budget: Budget): Promise<void> {
  const name = JSON.stringify(entry.name);
  const unreadable = (error: unknown) =>
    archiveRefused(archive, `${name} cannot be read (${(error as Error).message})`);
  const stream = await entry.open().catch((error) => {
    throw unreadable(error);
  });
  // It may fail while nobody reads yet; whoever reads is told then.
  stream.on('error', () => {});
  // Not over anything that is there.
  const file = await open(to, 'wx', 0o444);
  let [bytes, sum] = [0, 0];
  try {
    const chunks = stream[Symbol.asyncIterator]();
    for (;;) {
      const { value: chunk, done } = await chunks.next().catch((error) => {
        throw unreadable(error);
      });
      if (done) break;
      budget.write(chunk.length);
      bytes += chunk.length;
      if (entry.crc32 !== null) sum = crc32(chunk, sum);
      for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
    }
    await file.sync();
  } catch (error) {
    stream.destroy();
    throw error;
  } finally {
    await file.close();
  }
  if (bytes !== entry.size) throw archiveRefused(archive, `${name} has ${bytes} bytes, and should have ${entry.size}`);
  if (entry.crc32 !== null && sum !== entry.crc32)
    throw archiveRefused(archive, `${name} is damaged: its sum is another`);
}

/** The folder in which an archive's files are: the top one, or, where there is nothing but a folder, that one, and so on. */
export async function innermostFolder(folder: string): Promise<{ folder: string; entries: readonly string[] }> {
  const entries = await readdir(folder, { withFileTypes: true });
  const [only] = entries;
  if (entries.length === 1 && only.isDirectory()) return innermostFolder(join(folder, only.name));
  return { folder, entries: entries.map(({ name }) => name).sort() };
}
