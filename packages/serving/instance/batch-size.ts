/** Measurements of a size before it is believed. One more goes before them: memory is laid out for a size when it comes first. */
const FEWEST = 3;
/** A larger batch must answer more images in a second by this factor: else the first of them wait for nothing. */
const WORTH = 1.03;
/** After so many batches each size is measured once more: a machine gets busy, and quiet again. */
const AGAIN = 1000;

interface Measured {
  runs: number;
  /** The shortest of the first runs, then averaged over the last ones. */
  secondsPerImage: number;
}

export interface BatchBounds {
  /** Images at once: 1 for a network that takes one. */
  readonly mostImages: number;
  /** A batch that would take longer is not made: the first of its images would wait too long for the others. */
  readonly longestSeconds: number;
}

/**
 * How many of the images that wait go through the network together. Whether more at once are answered faster depends on network and
 * machine, so it is measured while requests are answered: sizes are powers of two, and a size is tried when so many images wait anyway.
 */
export class BatchSize {
  readonly #bounds: BatchBounds;
  readonly #measured = new Map<number, Measured>();
  /** Sizes to be measured once more. */
  readonly #due = new Set<number>();
  #batches = 0;

  constructor(bounds: BatchBounds) {
    this.#bounds = bounds;
  }

  /** @param waiting 1 or more; @returns a power of two, at most so many */
  choose(waiting: number): number {
    let best = 1;
    for (let size = 1; size <= Math.min(waiting, this.#bounds.mostImages); size *= 2) {
      const reference = this.#measured.get(best)?.secondsPerImage ?? 0;
      if (size > 1 && size * reference > this.#bounds.longestSeconds) break;
      const measured = this.#measured.get(size);
      if (!measured || measured.runs <= FEWEST || this.#due.has(size)) return size;
      if (measured.secondsPerImage * WORTH < reference) best = size;
    }
    return best;
  }

  /** @param images as `choose` said */
  observe(images: number, seconds: number): void {
    if (++this.#batches % AGAIN === 0) for (const size of this.#measured.keys()) this.#due.add(size);
    const perImage = seconds / images;
    const known = this.#measured.get(images);
    if (!known) {
      this.#measured.set(images, { runs: 1, secondsPerImage: Number.POSITIVE_INFINITY });
      return;
    }
    known.runs++;
    if (known.runs <= FEWEST + 1) {
      known.secondsPerImage = Math.min(known.secondsPerImage, perImage);
      return;
    }
    // A size that is measured so seldom is believed at once; and when it is faster than it was: what disturbs only slows down.
    const isSeldom = this.#due.delete(images);
    const weight = isSeldom ? (perImage < known.secondsPerImage ? 1 : 0.5) : 0.1;
    known.secondsPerImage += weight * (perImage - known.secondsPerImage);
  }
}
