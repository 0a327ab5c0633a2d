import { byteCount, CheckpointError, quoted } from './checkpoint-error.ts';
import type { RandomAccessFile } from './random-access-file.ts';

export interface ZipEntry {
  readonly name: string;
  readonly size: number;
  /** Packed entries can be listed, but not read. */
  readonly packed: boolean;
  /** Where the entry's local header begins. */
  readonly position: number;
}

export interface ZipArchive {
  readonly entries: ReadonlyMap<string, ZipEntry>;
  /**
   * Position in the file of the first byte of an entry's content, all of which is there.
   * @throws CheckpointError for an entry that is compressed, or not where the directory says.
   */
  locate(entry: ZipEntry): Promise<number>;
}

const END = 0x06054b50;
const END_BYTES = 22;
const END64_LOCATOR = 0x07064b50;
const END64_LOCATOR_BYTES = 20;
const END64 = 0x06064b50;
const END64_BYTES = 56;
const CENTRAL = 0x02014b50;
const CENTRAL_BYTES = 46;
const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const ZIP64_EXTRA = 1;
const ENCRYPTED = 1;

/**
 * Reads the directory of a zip archive whose entries are stored uncompressed, as `torch.save` writes them (zip64 included).
 * Definition: PKWARE APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3.
 *
 * Checksums are not compared: `torch.save` can be told not to compute them, and `torch.load` ignores them too.
 * @throws CheckpointError when the directory contradicts the file.
 */
export async function openZip(file: RandomAccessFile): Promise<ZipArchive> {
  const directory = await findDirectory(file);
  if (directory.position + directory.bytes > directory.end) {
    const problem = `the zip directory (${byteCount(directory.bytes)} at ${directory.position}) reaches over its end`;
    throw new CheckpointError({ code: 'invalid', file: file.path, problem });
  }
  const entries = parseDirectory(await file.read(directory.position, directory.bytes), directory.count, file.path);
  const fail = (entry: ZipEntry, problem: string) =>
    new CheckpointError({ code: 'invalid', file: file.path, problem: `entry ${quoted(entry.name)} ${problem}` });
  return {
    entries,
    async locate(entry) {
      if (entry.packed) {
        throw new CheckpointError({
          code: 'unsupported',
          file: file.path,
          problem: `entry ${quoted(entry.name)} is compressed or encrypted; torch.save stores its entries as they are`,
          hint: 'Save the checkpoint again with torch.save',
        });
      }
      if (entry.position + LOCAL_BYTES > directory.position) throw fail(entry, 'begins after the end of the data');
      const header = Buffer.from(await file.read(entry.position, LOCAL_BYTES));
      if (header.readUInt32LE() !== LOCAL) throw fail(entry, 'is not where the directory says');
      const content = entry.position + LOCAL_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
      if (content + entry.size > directory.position) {
        const room = Math.max(0, directory.position - content);
        throw fail(entry, `has ${byteCount(room)}, but the directory says ${byteCount(entry.size)}`);
      }
      return content;
    },
  };
}

interface Directory {
  position: number;
  bytes: number;
  count: number;
  /** Where the records that describe the directory begin. */
  end: number;
}

async function findDirectory(file: RandomAccessFile): Promise<Directory> {
  // The end record is the last thing in the file but for a comment of at most 65,535 bytes.
  const tailStart = Math.max(0, file.size - END_BYTES - 0xffff);
  const tail = Buffer.from(await file.read(tailStart, file.size - tailStart));
  for (let at = tail.length - END_BYTES; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== END || at + END_BYTES + tail.readUInt16LE(at + 20) !== tail.length) continue;
    const end = tailStart + at;
    const found = {
      count: tail.readUInt16LE(at + 10),
      bytes: tail.readUInt32LE(at + 12),
      position: tail.readUInt32LE(at + 16),
      end,
    };
    const large = found.count === 0xffff || found.bytes === 0xffffffff || found.position === 0xffffffff;
    return large ? await findLargeDirectory(file, found) : found;
  }
  throw new CheckpointError({
    code: 'truncated',
    file: file.path,
    problem: `begins as a zip archive, but the directory at the end is missing: the ${byteCount(file.size)} found are not the whole file`,
    hint: 'Copy or download it again',
  });
}

/** The zip64 records in front of the end record, if there are any: plain archives may have exactly 65,535 entries. */
async function findLargeDirectory(file: RandomAccessFile, small: Directory): Promise<Directory> {
  if (small.end < END64_LOCATOR_BYTES + END64_BYTES) return small;
  const locator = Buffer.from(await file.read(small.end - END64_LOCATOR_BYTES, END64_LOCATOR_BYTES));
  if (locator.readUInt32LE() !== END64_LOCATOR) return small;
  const end = Number(locator.readBigUInt64LE(8));
  const record = Buffer.from(await file.read(end, END64_BYTES));
  if (record.readUInt32LE() !== END64) {
    throw new CheckpointError({
      code: 'invalid',
      file: file.path,
      problem: 'the zip64 end record is not where it should be',
    });
  }
  return {
    count: Number(record.readBigUInt64LE(32)),
    bytes: Number(record.readBigUInt64LE(40)),
    position: Number(record.readBigUInt64LE(48)),
    end,
  };
}

function parseDirectory(bytes: Uint8Array, count: number, path: string): Map<string, ZipEntry> {
  const fail = (problem: string) => new CheckpointError({ code: 'invalid', file: path, problem });
  const directory = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  while (at < directory.length) {
    if (at + CENTRAL_BYTES > directory.length || directory.readUInt32LE(at) !== CENTRAL) {
      throw fail(`the zip directory is damaged at its byte ${at}`);
    }
    const flags = directory.readUInt16LE(at + 8);
    const method = directory.readUInt16LE(at + 10);
    const nameEnd = at + CENTRAL_BYTES + directory.readUInt16LE(at + 28);
    const extraEnd = nameEnd + directory.readUInt16LE(at + 30);
    const next = extraEnd + directory.readUInt16LE(at + 32);
    if (next > directory.length) throw fail(`the zip directory is damaged at its byte ${at}`);
    const name = directory.toString('utf8', at + CENTRAL_BYTES, nameEnd);
    const large = zip64Values(directory.subarray(nameEnd, extraEnd));
    const sizes = [
      directory.readUInt32LE(at + 24),
      directory.readUInt32LE(at + 20),
      directory.readUInt32LE(at + 42),
    ].map(
      // In this order, only those that do not fit into 32 bits are in the extra field.
      (value) => (value === 0xffffffff ? (large.shift() ?? value) : value),
    );
    const [size, packedSize, position] = sizes as [number, number, number];
    if (!Number.isSafeInteger(size) || !Number.isSafeInteger(position))
      throw fail(`entry ${quoted(name)} has an impossible size`);
    if (entries.has(name)) throw fail(`entry ${quoted(name)} is there twice`);
    const packed = method !== 0 || size !== packedSize || (flags & ENCRYPTED) !== 0;
    entries.set(name, { name, size, packed, position });
    at = next;
  }
  if (entries.size !== count) throw fail(`the zip directory has ${entries.size} entries, but announces ${count}`);
  return entries;
}

function zip64Values(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2);
    const content = extra.subarray(at + 4, at + 4 + length);
    if (extra.readUInt16LE(at) === ZIP64_EXTRA) {
      return Array.from({ length: Math.floor(content.length / 8) }, (_, i) => Number(content.readBigUInt64LE(8 * i)));
    }
    at += 4 + length;
  }
  return [];
}
