import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  utimesSync,
  writevSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import type { CacheKey, DecodedImage } from './decoded-image.ts';
import { ORIENTATIONS } from './orientation.ts';
import type { Eighths } from './turbojpeg.ts';

/** A folder of decoded images, as it can be described to a worker. */
export interface SharedDiskCache {
  readonly folder: string;
  /** Most bytes of the folder; undefined: as the free space allows. */
  readonly bytes: number | undefined;
  /** Integers: see `State`. */
  readonly state: SharedArrayBuffer;
}

/** Places of the state: whether a thread has looked at the folder, and how much may still be written. */
const State = { looked: 0, kibibytesLeft: 1 } as const;

/** Without a limit: this part of the free space, and no more than the second. */
const PART_OF_FREE = 1 / 4;
const MOST_BYTES = 32 * 2 ** 30;
const DAY = 24 * 60 * 60 * 1000;

/**
 * Decoded images as files of their own, in a folder that may be deleted at any time. A file is written whole under another name
 * and renamed; one that is damaged counts as missing and is removed. The size of the folder is bounded: when a run finds it
 * full, what was used longest ago goes, down to a half of the bound.
 */
export class DiskCache {
  readonly shared: SharedDiskCache;
  readonly #state: Int32Array;

  constructor(shared: SharedDiskCache) {
    this.shared = shared;
    this.#state = new Int32Array(shared.state);
  }

  static at(folder: string, bytes: number | undefined): DiskCache {
    return new DiskCache({ folder, bytes, state: new SharedArrayBuffer(8) });
  }

  get(key: CacheKey): DecodedImage | undefined {
    const path = this.#pathOf(key);
    let file: number;
    try {
      file = openSync(path, 'r');
    } catch {
      return undefined;
    }
    try {
      const { size, mtimeMs } = fstatSync(file);
      const bytes = new Uint8Array(size);
      const image = readSync(file, bytes) === size ? parse(bytes, key) : undefined;
      if (!image) rmSync(path, { force: true });
      // The age of a file says when it was last used, to the day.
      else if (Date.now() - mtimeMs > DAY) utimesSync(path, new Date(), new Date());
      return image;
    } catch {
      return undefined;
    } finally {
      closeSync(file);
    }
  }

  /** False when there is no room, or the folder cannot be written to. */
  put(key: CacheKey, image: DecodedImage): boolean {
    const header = headerOf(key, image);
    if (!this.#take(header.byteLength + image.pixels.length)) return false;
    const path = this.#pathOf(key);
    const temporary = `${path}.${process.pid}-${threadId}.tmp`;
    try {
      mkdirSync(dirname(path), { recursive: true });
      const file = openSync(temporary, 'w');
      try {
        writevSync(file, [header, image.pixels]);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, path);
      return true;
    } catch {
      // A full disk, a folder that may not be written to: what comes would fail, too.
      Atomics.store(this.#state, State.kibibytesLeft, 0);
      rmSync(temporary, { force: true });
      return false;
    }
  }

  /** Sets bytes aside. The first to ask looks at what is there; who asks meanwhile gets none. */
  #take(bytes: number): boolean {
    if (Atomics.compareExchange(this.#state, State.looked, 0, 1) === 0) {
      const kibibytes = Math.min(Math.floor(this.#makeRoom() / 1024), 2 ** 30);
      Atomics.store(this.#state, State.kibibytesLeft, kibibytes);
    }
    const kibibytes = Math.ceil(bytes / 1024);
    if (Atomics.sub(this.#state, State.kibibytesLeft, kibibytes) >= kibibytes) return true;
    Atomics.add(this.#state, State.kibibytesLeft, kibibytes);
    return false;
  }

  /** Bytes that may be written, after the oldest files of a full folder were removed. */
  #makeRoom(): number {
    const { folder, bytes } = this.shared;
    try {
      mkdirSync(folder, { recursive: true });
      const files = filesIn(folder);
      let total = files.reduce((sum, { size }) => sum + size, 0);
      const { bavail, bsize } = statfsSync(folder);
      const free = bavail * bsize;
      const most = bytes ?? Math.min((free + total) * PART_OF_FREE, MOST_BYTES);
      if (total > most * 0.9) {
        for (const { path, size } of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
          if (total <= most / 2) break;
          rmSync(path, { force: true });
          total -= size;
        }
      }
      return Math.max(0, Math.min(most - total, free / 2));
    } catch {
      return 0;
    }
  }

  #pathOf({ name }: CacheKey): string {
    return join(this.shared.folder, name.slice(0, 2), name.slice(2));
  }
}

/** The files of the cache; what a process left half written goes. */
function filesIn(folder: string): { path: string; size: number; mtimeMs: number }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    if (!entry.isFile()) return [];
    const path = join(entry.parentPath, entry.name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found) return [];
    if (!entry.name.endsWith('.tmp')) return [{ path, size: found.size, mtimeMs: found.mtimeMs }];
    if (Date.now() - found.mtimeMs > DAY) rmSync(path, { force: true });
    return [];
  });
}

/** 32-bit numbers before the pixels, in the order of the machine: what it is, its checksum, its key, its sizes and how it lies. */
const MAGIC = 0x464f5631;
const HEADER_WORDS = 16;

function headerOf({ words }: CacheKey, image: DecodedImage): Int32Array {
  const { width, height, stored, orientation, eighths, pixels } = image;
  const sizes = [width, height, stored.width, stored.height, ORIENTATIONS.indexOf(orientation), eighths];
  const header = new Int32Array(HEADER_WORDS);
  header.set([MAGIC, 0, ...words, ...sizes]);
  header[1] = checksum(header, pixels);
  return header;
}

/** Undefined when the bytes are not those that were written under this key. */
function parse(bytes: Uint8Array, { words }: CacheKey): DecodedImage | undefined {
  if (bytes.length < HEADER_WORDS * 4) return undefined;
  const header = new Int32Array(bytes.buffer, 0, HEADER_WORDS);
  const pixels = bytes.subarray(HEADER_WORDS * 4);
  const [magic, sum, k0, k1, k2, k3, width, height, storedWidth, storedHeight, orientation, eighths] = header;
  if (magic !== MAGIC || `${[k0, k1, k2, k3]}` !== `${words}` || pixels.length !== width * height * 3) return undefined;
  if (sum !== checksum(header, pixels)) return undefined;
  const stored = { width: storedWidth, height: storedHeight };
  return { width, height, stored, orientation: ORIENTATIONS[orientation], eighths: eighths as Eighths, pixels };
}

/** Over all but itself. */
function checksum(header: Int32Array, pixels: Uint8Array): number {
  const rest = new Uint8Array(header.buffer, header.byteOffset + 8, (HEADER_WORDS - 2) * 4);
  return crc32(pixels, crc32(rest)) | 0;
}
