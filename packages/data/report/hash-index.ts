import { ones, type PerceptualHash } from './perceptual-hash.ts';

/** The hash is cut into pieces of 16 bits, each the key of a table. */
const PIECES = 4;
const PIECE_BITS = 16;

/** Differing bits that are looked for: one piece of any two hashes this near differs in two bits or fewer. */
const MOST_DISTANCE = 11;

/** Hashes looked at for one question: among a hundred thousand frames of one still camera any of them is as good as another. */
const MOST_SEEN = 4096;

/** A piece itself and all that differ from it in one or two bits: 137 patterns to be XORed. */
const PATTERNS = Uint16Array.from([0, ...differing(1), ...differing(2)]);

/**
 * Finds the hashes that differ from a given one in few bits without comparing all: multi-index hashing, Norouzi, Punjani, Fleet,
 * "Fast Search in Hamming Space with Multi-Index Hashing", CVPR 2012. For random hashes the time of a question hardly grows up
 * to some hundred thousand of them.
 */
export class HashIndex {
  readonly #high: Uint32Array;
  readonly #low: Uint32Array;
  /** Of each table: the last number with a key, and of each number the one before it with the same key; −1 is none. */
  readonly #last = Array.from({ length: PIECES }, () => new Int32Array(2 ** PIECE_BITS).fill(-1));
  readonly #before: readonly Int32Array[];
  readonly #asked: Int32Array;
  #question = 0;
  #size = 0;

  constructor(capacity: number) {
    this.#high = new Uint32Array(capacity);
    this.#low = new Uint32Array(capacity);
    this.#before = Array.from({ length: PIECES }, () => new Int32Array(capacity));
    this.#asked = new Int32Array(capacity);
  }

  /** Hashes are numbered from 0 in the order in which they are added. */
  add([high, low]: PerceptualHash): void {
    const number = this.#size++;
    this.#high[number] = high;
    this.#low[number] = low;
    for (let piece = 0; piece < PIECES; piece++) {
      const key = pieceOf(high, low, piece);
      this.#before[piece][number] = this.#last[piece][key];
      this.#last[piece][key] = number;
    }
  }

  /** Calls `visit` once for each hash within `distance` (at most 11) of this one, with its number. */
  near([high, low]: PerceptualHash, distance: number, visit: (number: number, distance: number) => void): void {
    if (distance > MOST_DISTANCE) throw new RangeError(`distance must be at most ${MOST_DISTANCE}, not ${distance}`);
    const question = ++this.#question;
    let seen = 0;
    for (let piece = 0; piece < PIECES; piece++) {
      const key = pieceOf(high, low, piece);
      for (const pattern of PATTERNS) {
        for (let number = this.#last[piece][key ^ pattern]; number >= 0; number = this.#before[piece][number]) {
          if (this.#asked[number] === question) continue;
          this.#asked[number] = question;
          if (++seen > MOST_SEEN) return;
          const found = ones(this.#high[number] ^ high) + ones(this.#low[number] ^ low);
          if (found <= distance) visit(number, found);
        }
      }
    }
  }
}

function pieceOf(high: number, low: number, piece: number): number {
  const half = piece < 2 ? high : low;
  return (piece % 2 === 0 ? half : half >>> PIECE_BITS) & 0xffff;
}

/** All keys with so many bits set. */
function differing(bits: number): number[] {
  return Array.from({ length: 2 ** PIECE_BITS }, (_, key) => key).filter((key) => ones(key) === bits);
}
