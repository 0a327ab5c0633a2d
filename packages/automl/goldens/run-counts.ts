/** Pairs of a value and how often it follows itself, as one list. */
export function toRuns(values: Iterable<number>): number[] {
  const runs: number[] = [];
  for (const value of values) {
    if (runs.length > 0 && runs[runs.length - 2] === value) runs[runs.length - 1]++;
    else runs.push(value, 1);
  }
  return runs;
}

/** A mask's run lengths, the first of zeros. */
export function toCounts(mask: Iterable<number>): number[] {
  const counts = [0];
  let last = 0;
  for (const value of mask) {
    if (value === last) counts[counts.length - 1]++;
    else counts.push(1);
    last = value;
  }
  return counts;
}

export function fromCounts(counts: readonly number[], length: number): Uint8Array {
  const mask = new Uint8Array(length);
  let at = 0;
  for (const [i, count] of counts.entries()) {
    if (i % 2 === 1) mask.fill(1, at, at + count);
    at += count;
  }
  return mask;
}
