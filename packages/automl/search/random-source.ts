import type { RandomSource } from './sample-random.ts';

/**
 * A seeded stream of numbers in [0, 1) with 53 random bits: sfc32 (Doty-Humphrey, PractRand), its state spread from
 * the seed by splitmix32. The same seed gives the same stream on every machine.
 */
export function seededRandom(seed: number): RandomSource {
  const spread = splitmix32(seed);
  let [a, b, c, counter] = [spread(), spread(), spread(), 1];
  const next32 = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 12; i++) next32();
  return () => ((next32() >>> 5) * 2 ** 26 + (next32() >>> 6)) / 2 ** 53;
}

function splitmix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return mixed ^ (mixed >>> 15);
  };
}
