/** A seeded source of random numbers. The same seed gives the same numbers on every machine and in every thread. */
export interface Rng {
  /** Uniform in [0, 1), 53 bits. */
  uniform(): number;
  /** Uniform integer in [0, n), without bias; n in 1..2³². Throws RangeError otherwise. */
  int(n: number): number;
  /** Standard normal (mean 0, standard deviation 1), by Box–Muller. */
  normal(): number;
  /** Shuffles in place (Fisher–Yates) and returns `items`. */
  shuffle<T>(items: T[]): T[];
}

/** xoshiro128** (Blackman and Vigna, 2018) started from splitmix32. `seed` is any integer; its low 32 bits count. */
export function createRng(seed: number): Rng {
  const mix = splitmix32(seed);
  let [a, b, c, d] = [mix(), mix(), mix(), mix()];

  function next(): number {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result;
  }

  const rng: Rng = {
    uniform: () => ((next() >>> 5) * 0x4000000 + (next() >>> 6)) / 2 ** 53,
    int(n) {
      if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) throw new RangeError(`int(n) needs n in 1..2^32, not ${n}`);
      // The last, incomplete run of n values is thrown away: without that, small results would be likelier.
      const end = 2 ** 32 - (2 ** 32 % n);
      let value = next();
      while (value >= end) value = next();
      return value % n;
    },
    normal: () => Math.sqrt(-2 * Math.log(1 - rng.uniform())) * Math.cos(2 * Math.PI * rng.uniform()),
    shuffle(items) {
      for (let i = items.length - 1; i > 0; i--) {
        const j = rng.int(i + 1);
        [items[i], items[j]] = [items[j], items[i]];
      }
      return items;
    },
  };
  return rng;
}

/** splitmix32: the 32-bit finaliser of MurmurHash3 over a Weyl sequence. */
function splitmix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
}
