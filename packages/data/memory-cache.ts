import type { CacheKey, DecodedImage } from './decoded-image.ts';
import { ORIENTATIONS } from './orientation.ts';

/** Memory that threads share, as it can be sent to a worker. */
export interface SharedMemoryCache {
  readonly index: SharedArrayBuffer;
  readonly pixels: SharedArrayBuffer;
}

/** Integers of the index before its slots: how many units of the pixels are taken. */
const USED = 0;
const FIRST_SLOT = 16;
/** Integers of a slot: state, key, place, sizes. */
const SLOT = 16;
const FREE = 0;
const CLAIMED = 1;
const READY = 2;
/** Bytes that a place is counted in. */
const UNIT = 64;
/** Memory is asked of the system in such pieces. */
const GROWTH = 64 * 2 ** 20;
/** Slots looked at for a key. */
const MOST_PROBES = 64;
/** Bytes of pixels per slot; smaller images may run out of slots before they run out of memory. */
const BYTES_PER_SLOT = 16 * 2 ** 10;
const MOST_SLOTS = 2 ** 21;

/**
 * Decoded images in memory that all threads see. What is in stays in: an epoch asks for every image once, in a random order, so that
 * what was used longest ago is what is needed next. Without locks: pixels are written where nobody else writes, then a slot
 * of the index is claimed and made ready.
 */
export class MemoryCache {
  readonly shared: SharedMemoryCache;
  readonly #index: Int32Array<SharedArrayBuffer>;
  readonly #slots: number;

  constructor(shared: SharedMemoryCache) {
    this.shared = shared;
    this.#index = new Int32Array(shared.index);
    this.#slots = (this.#index.length - FIRST_SLOT) / SLOT;
  }

  /** Takes memory only as images come. Where not even addresses can be had for that much, it is less. */
  static ofBytes(bytes: number): MemoryCache {
    const pixels = reservation(bytes);
    const wanted = 2 ** Math.ceil(Math.log2(Math.max(64, pixels.maxByteLength / BYTES_PER_SLOT)));
    const slots = Math.min(wanted, MOST_SLOTS);
    return new MemoryCache({ index: new SharedArrayBuffer((FIRST_SLOT + slots * SLOT) * 4), pixels });
  }

  /** Bytes taken by pixels. */
  get bytes(): number {
    return Atomics.load(this.#index, USED) * UNIT;
  }

  get(key: CacheKey): DecodedImage | undefined {
    for (const at of this.#places(key)) {
      const state = Atomics.load(this.#index, at);
      if (state === FREE) return undefined;
      if (state !== READY || key.words.some((word, i) => this.#index[at + 1 + i] !== word)) continue;
      const [place, width, height, storedWidth, storedHeight, orientation, eighths] = this.#index.subarray(at + 5);
      return {
        width,
        height,
        stored: { width: storedWidth, height: storedHeight },
        orientation: ORIENTATIONS[orientation],
        eighths: eighths as DecodedImage['eighths'],
        pixels: new Uint8Array(this.shared.pixels, place * UNIT, width * height * 3),
      };
    }
    return undefined;
  }

  /** False when there is no room. */
  put(key: CacheKey, image: DecodedImage): boolean {
    const place = this.#reserve(image.pixels.length);
    if (place === undefined) return false;
    new Uint8Array(this.shared.pixels, place * UNIT, image.pixels.length).set(image.pixels);
    for (const at of this.#places(key)) {
      if (Atomics.compareExchange(this.#index, at, FREE, CLAIMED) !== FREE) continue;
      const { width, height, stored, orientation, eighths } = image;
      const values = [place, width, height, stored.width, stored.height, ORIENTATIONS.indexOf(orientation), eighths];
      this.#index.set([...key.words, ...values], at + 1);
      Atomics.store(this.#index, at, READY);
      return true;
    }
    return false;
  }

  #reserve(bytes: number): number | undefined {
    const { pixels } = this.shared;
    const units = Math.ceil(bytes / UNIT);
    const place = Atomics.add(this.#index, USED, units);
    const end = (place + units) * UNIT;
    if (end <= pixels.maxByteLength && grown(pixels, end)) return place;
    Atomics.sub(this.#index, USED, units);
    return undefined;
  }

  *#places({ words }: CacheKey): Iterable<number> {
    for (let probe = 0; probe < MOST_PROBES; probe++) {
      yield FIRST_SLOT + (((words[0] >>> 0) + probe) % this.#slots) * SLOT;
    }
  }
}

function reservation(bytes: number): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(0, { maxByteLength: Math.floor(bytes / UNIT) * UNIT });
  } catch (error) {
    if (bytes < GROWTH) throw error;
    return reservation(bytes / 2);
  }
}

/** Makes the buffer at least that long; false when the system has no more memory. */
function grown(buffer: SharedArrayBuffer, bytes: number): boolean {
  while (buffer.byteLength < bytes) {
    const length = Math.min(buffer.maxByteLength, Math.ceil(bytes / GROWTH) * GROWTH);
    try {
      buffer.grow(length);
    } catch {
      // Another thread may have been faster.
      if (buffer.byteLength < bytes) return false;
    }
  }
  return true;
}
