/** Places of records in an order, with where each group begins in it. */
export interface Grouped {
  order: Uint32Array;
  /** Group g is order[start[g]] … order[start[g + 1] − 1] [groups + 1]. */
  start: Uint32Array;
}

/** All places from 0 on. */
export const inGivenOrder = (count: number): Uint32Array => Uint32Array.from({ length: count }, (_, i) => i);

/** The records of an order put together by group, keeping the order within each (counting sort). O(N + groups). */
export function groupBy(key: ArrayLike<number>, groups: number, order: Uint32Array): Grouped {
  const start = new Uint32Array(groups + 1);
  for (let i = 0; i < order.length; i++) start[key[order[i]] + 1]++;
  for (let g = 0; g < groups; g++) start[g + 1] += start[g];
  const next = start.slice(0, groups);
  const sorted = new Uint32Array(order.length);
  for (let i = 0; i < order.length; i++) sorted[next[key[order[i]]]++] = order[i];
  return { order: sorted, start };
}

const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;

/**
 * The records of an order by falling score, equal ones as they stood. A radix sort of the 64-bit patterns, many times faster than a
 * comparison of indices; digits that all scores share, as the lowest ones of float32 numbers, cost one look.
 */
export function byFallingScore(score: ArrayLike<number>, order: Uint32Array): Uint32Array {
  const count = order.length;
  const low = new Uint32Array(score.length);
  const high = new Uint32Array(score.length);
  const bits = new Uint32Array(new Float64Array(1).buffer);
  const number = new Float64Array(bits.buffer);
  for (let i = 0; i < score.length; i++) {
    // + 0 makes one zero of both.
    number[0] = score[i] + 0;
    const negative = bits[1] >>> 31 === 1;
    // Rising patterns for falling numbers.
    low[i] = negative ? bits[0] : ~bits[0];
    high[i] = negative ? bits[1] : ~bits[1] & 0x7fffffff;
  }
  let from = order.slice();
  let to = new Uint32Array(count);
  for (const half of [low, high]) {
    for (let shift = 0; shift < 32; shift += DIGIT_BITS) {
      const start = new Uint32Array(DIGITS + 1);
      for (let i = 0; i < count; i++) start[((half[from[i]] >>> shift) & (DIGITS - 1)) + 1]++;
      if (start.includes(count)) continue;
      for (let digit = 0; digit < DIGITS; digit++) start[digit + 1] += start[digit];
      for (let i = 0; i < count; i++) to[start[(half[from[i]] >>> shift) & (DIGITS - 1)]++] = from[i];
      [from, to] = [to, from];
    }
  }
  return from;
}
