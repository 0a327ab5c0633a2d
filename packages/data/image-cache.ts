import { hash } from 'node:crypto';
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { CacheKey, DecodedImage } from './decoded-image.ts';
import { DiskCache, type SharedDiskCache } from './disk-cache.ts';
import { MemoryCache, type SharedMemoryCache } from './memory-cache.ts';
import { sharp } from './sharp.ts';
import { turboJpeg } from './turbojpeg.ts';

export interface ImageCacheOptions {
  /** Default: a quarter of the memory that is free now, and no more than 8 GiB. 0: none. */
  memoryBytes?: number;
  /** Where images go that do not fit into memory. Default: nowhere. */
  folder?: string;
  /** Most bytes of the folder. Default: a quarter of what is free there, and no more than 32 GiB. */
  diskBytes?: number;
}

/** What has become of the images that were asked for, by all threads since the cache was made. */
export interface ImageCacheCounts {
  fromMemory: number;
  fromDisk: number;
  decoded: number;
}

/** A cache as it can be sent to a worker. */
export interface SharedImageCache {
  readonly memory: SharedMemoryCache;
  readonly disk: SharedDiskCache | undefined;
  readonly counts: SharedArrayBuffer;
}

const PART_OF_MEMORY = 1 / 4;
const MOST_MEMORY = 8 * 2 ** 30;

/** Reading from a disk is taken to be as slow as this, in bytes a millisecond: what is decoded faster is not written to it. */
const DISK_SPEED = 250_000;

/** Entries are only good for the code and the decoders that made them. */
const VERSION = `1 ${sharp.versions.vips}`;

/**
 * Decoded images, so that the second epoch decodes none: in memory first, and on disk when that is full. It holds what decoding a
 * file gives, or a finished result where the very same is asked for each time; results are the same with it and without it.
 * An entry belongs to a file as it was: path, size and time of change. All threads of a process can use one cache.
 */
export class ImageCache {
  readonly #memory: MemoryCache;
  readonly #disk: DiskCache | undefined;
  readonly #counts: Int32Array<SharedArrayBuffer>;

  private constructor({ memory, disk, counts }: SharedImageCache) {
    this.#memory = new MemoryCache(memory);
    this.#disk = disk && new DiskCache(disk);
    this.#counts = new Int32Array(counts);
  }

  /** @throws RangeError for a negative size */
  static create({ memoryBytes = defaultMemory(), folder, diskBytes }: ImageCacheOptions = {}): ImageCache {
    for (const [name, bytes] of Object.entries({ memoryBytes, diskBytes: diskBytes ?? 0 })) {
      if (!(bytes >= 0)) throw new RangeError(`${name} must be 0 or more, not ${bytes}`);
    }
    return new ImageCache({
      memory: MemoryCache.ofBytes(memoryBytes).shared,
      disk: folder === undefined ? undefined : DiskCache.at(resolve(folder), diskBytes).shared,
      counts: new SharedArrayBuffer(12),
    });
  }

  /** The same cache in another thread. */
  static from(shared: SharedImageCache): ImageCache {
    return new ImageCache(shared);
  }

  get shared(): SharedImageCache {
    return { memory: this.#memory.shared, disk: this.#disk?.shared, counts: this.#counts.buffer };
  }

  get counts(): ImageCacheCounts {
    const [fromMemory, fromDisk, decoded] = this.#counts;
    return { fromMemory, fromDisk, decoded };
  }

  /** Bytes that are in memory. */
  get memoryBytes(): number {
    return this.#memory.bytes;
  }

  /**
   * The key of a file as it is now.
   * @param way how it is decoded
   * @returns undefined when there is no such file
   */
  keyOf(file: string, way: string): CacheKey | undefined {
    const found = statSync(file, { throwIfNoEntry: false });
    if (!found) return undefined;
    const decoder = turboJpeg() ? 'turbo' : 'sharp';
    const digest = hash(
      'sha256',
      JSON.stringify([VERSION, decoder, resolve(file), found.size, found.mtimeMs, found.ino, way]),
      'buffer',
    );
    const [a, b, c, d] = [0, 4, 8, 12].map((at) => digest.readInt32LE(at));
    return { words: [a, b, c, d], name: digest.toString('hex', 0, 16) };
  }

  /** The pixels stay valid, and must not be changed. */
  get(key: CacheKey): DecodedImage | undefined {
    const inMemory = this.#memory.get(key);
    const found = inMemory ?? this.#disk?.get(key);
    if (found && !inMemory) this.#memory.put(key, found);
    Atomics.add(this.#counts, inMemory ? 0 : found ? 1 : 2, 1);
    return found;
  }

  /** @param milliseconds that decoding took */
  put(key: CacheKey, image: DecodedImage, milliseconds: number): void {
    if (this.#memory.put(key, image)) return;
    if (milliseconds > image.pixels.length / DISK_SPEED) this.#disk?.put(key, image);
  }
}

function defaultMemory(): number {
  return Math.min(process.availableMemory() * PART_OF_MEMORY, MOST_MEMORY);
}
