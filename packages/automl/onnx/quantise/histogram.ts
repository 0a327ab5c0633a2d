/** The most bins; between half of them and all are in use once values differ. */
const BINS = 4096;

/** Of one image no more values of a tensor are looked at; a stride that is odd passes over rows and channels evenly. */
const MOST_OF_ONE = 2 ** 20;

/**
 * How often which values of a tensor occur, in bins of equal width that has a power of two. When a value lies outside, bins are merged
 * in pairs, so that one pass over the data is enough. Zero is always an edge of bins.
 */
export class Histogram {
  #width = 0;
  /** Number of the first bin, counted from zero on. */
  #first = 0;
  #counts = new Float64Array(BINS);
  #zeros = 0;
  #min = 0;
  #max = 0;
  #count = 0;

  /** Smallest value, and largest; both are 0 at least where zero lies outside: it must be representable. */
  get min(): number {
    return this.#min;
  }

  get max(): number {
    return this.#max;
  }

  /** Values that were looked at. */
  get count(): number {
    return this.#count;
  }

  /** Those that are exactly zero, which no quantisation changes; they are in no bin. */
  get zeros(): number {
    return this.#zeros;
  }

  /** @throws RangeError for a value that is not finite */
  add(values: ArrayLike<number>): void {
    const stride = values.length > MOST_OF_ONE ? Math.ceil(values.length / MOST_OF_ONE) | 1 : 1;
    let min = this.#min;
    let max = this.#max;
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (value < min) min = value;
      else if (value > max) max = value;
      else if (Number.isNaN(value)) throw new RangeError('a value is not a number');
    }
    if (!Number.isFinite(max - min)) throw new RangeError('a value is not finite');
    this.#min = min;
    this.#max = max;
    this.#makeRoom();
    const perUnit = this.#width === 0 ? 0 : 1 / this.#width;
    const counts = this.#counts;
    const first = this.#first;
    let zeros = 0;
    for (let i = 0; i < values.length; i += stride) {
      const value = values[i];
      if (value === 0) zeros++;
      else counts[Math.floor(value * perUnit) - first]++;
    }
    this.#zeros += zeros;
    this.#count += Math.ceil(values.length / stride);
  }

  /** The bins from the smallest value to the largest: middles, and how many values each has. */
  bins(): { middles: Float64Array; counts: Float64Array; width: number } {
    const width = this.#width;
    if (width === 0) return { middles: new Float64Array(), counts: new Float64Array(), width };
    const from = Math.floor(this.#min / width) - this.#first;
    const to = Math.floor(this.#max / width) - this.#first + 1;
    const counts = this.#counts.slice(from, to);
    return { middles: Float64Array.from(counts, (_, i) => (this.#first + from + i + 0.5) * width), counts, width };
  }

  #makeRoom(): void {
    const span = this.#max - this.#min;
    if (span === 0) return;
    let width = this.#width === 0 ? 2 ** Math.floor(Math.log2(span / BINS)) : this.#width;
    const fits = (w: number) => Math.floor(this.#max / w) - Math.floor(this.#min / w) < BINS;
    while (!fits(width)) width *= 2;
    const first = Math.floor(this.#min / width);
    if (width === this.#width && first === this.#first) return;
    const counts = new Float64Array(BINS);
    const merged = width / this.#width;
    if (this.#width > 0) {
      for (let i = 0; i < BINS; i++)
        if (this.#counts[i] > 0) counts[Math.floor((this.#first + i) / merged) - first] += this.#counts[i];
    }
    this.#counts = counts;
    this.#width = width;
    this.#first = first;
  }
}
