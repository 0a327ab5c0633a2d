/** The random numbers that transforms draw from. Every draw moves the stream on, so the order of draws is part of a transform. */
export interface Random {
  /** A float32 in [from, to), as `torch.empty(1).uniform_(from, to)` returns it. */
  uniform(from: number, to: number): number;
  /** An integer in [0, limit), as `torch.randint(0, limit, (1,))`; limit is at most 2^32. */
  integer(limit: number): number;
  /** The numbers 0 … n−1 in random order, as `torch.randperm(n)`. */
  permutation(n: number): number[];
}

const N = 624;
const M = 397;

/**
 * The stream that PyTorch's CPU generator gives after `torch.manual_seed(seed)`: MT19937 (Matsumoto & Nishimura 1998) with the
 * distributions of ATen's `TransformationHelper.h`. Draws happen outside the engine, so that any thread can repeat those of any
 * sample from its seed alone.
 *
 * @param seed 0 ≤ seed < 2^32
 */
export function torchRandom(seed: number): Random {
  const state = new Uint32Array(N);
  state[0] = seed >>> 0;
  for (let i = 1; i < N; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
  let position = N;

  const next = (): number => {
    if (position === N) {
      for (let i = 0; i < N; i++) {
        const mixed = (state[i] & 0x80000000) | (state[(i + 1) % N] & 0x7fffffff);
        state[i] = state[(i + M) % N] ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0);
      }
      position = 0;
    }
    let y = state[position++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };

  return {
    uniform(from, to) {
      const unit = (next() & 0xffffff) / 2 ** 24; // 24 bits: the digits of a float32
      const low = Math.fround(from);
      return Math.fround(unit * Math.fround(Math.fround(to) - low) + low);
    },
    integer: (limit) => next() % limit,
    permutation(n) {
      const order = Array.from({ length: n }, (_, i) => i);
      for (let i = 0; i < n - 1; i++) {
        const j = i + (next() % (n - i));
        [order[i], order[j]] = [order[j], order[i]];
      }
      return order;
    },
  };
}

/**
 * One seed out of several numbers (seed of the run, epoch, index of the sample …), so that what a sample draws depends on nothing
 * but these: not on the worker that prepares it, nor on what was drawn before.
 *
 * @returns 0 ≤ seed < 2^32 (MurmurHash3's 32-bit mixing)
 */
export function mixSeeds(...parts: number[]): number {
  let hash = 0;
  for (const part of parts) {
    for (const word of [part >>> 0, Math.floor(part / 2 ** 32) >>> 0]) {
      let k = Math.imul(word, 0xcc9e2d51);
      k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
      hash ^= k;
      hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
    }
  }
  hash ^= parts.length * 8;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
