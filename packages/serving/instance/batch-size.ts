/** Measurements of a size before it is believed. The first is not one of them: memory is laid out for each size when it comes first. */
const FEWEST = 3;
/** A larger batch must answer more images in a second by this factor: else the first of them wait for nothing. */
const WORTH = 1.03;
/** After so many batches sizes are tried again: a machine gets busy, and quiet again. */
const AGAIN = 200;

interface Measured {
  runs: number;
  /** Averaged over the last runs; the shortest of the first. */
  secondsPerImage: number;
}

/**
 * How many of the images that wait go through the network together. Whether more at once are answered faster depends on network and
 * machine, so it is measured while requests are answered: sizes are powers of two, and a size is tried when so many images wait anyway.
 */
export class BatchSize {
  readonly #most: number;
  readonly #measured = new Map<number, Measured>();
  #batches = 0;

  /** @param most images at once: 1 for a network that takes one */
  constructor(most: number) {
    this.#most = most;
  }

  /** @param waiting 1 or more; @returns a power of two, at most so many */
  choose(waiting: number): number {
    let best = 1;
    for (let size = 1; size <= Math.min(waiting, this.#most); size *= 2) {
      const measured = this.#measured.get(size);
      if (!measured || measured.runs < FEWEST) return size;
      const reference = this.#measured.get(best);
      const isBetter = reference && measured.secondsPerImage * WORTH < reference.secondsPerImage;
      if (size > best && isBetter) best = size;
    }
    return best;
  }

  /** @param images as `choose` said */
  observe(images: number, seconds: number): void {
    const perImage = seconds / images;
    const known = this.#measured.get(images);
    if (!known) this.#measured.set(images, { runs: 0, secondsPerImage: Number.POSITIVE_INFINITY });
    else {
      known.runs++;
      const mixed =
        known.runs <= FEWEST ? Math.min(known.secondsPerImage, perImage) : 0.8 * known.secondsPerImage + 0.2 * perImage;
      known.secondsPerImage = mixed;
    }
    if (++this.#batches % AGAIN === 0)
      for (const measured of this.#measured.values()) measured.runs = Math.min(measured.runs, FEWEST - 1);
  }
}
