/** Side of the grey picture that is hashed. */
export const HASHED_SIDE = 32;

/** Frequencies that are kept in each direction: one bit for each pair of them. */
const KEPT = 8;

/** 64 bits in two halves, so that numbers are enough. Unsigned. */
export type PerceptualHash = readonly [high: number, low: number];

/**
 * Perceptual hash (pHash): the 8 × 8 lowest frequencies of the picture's discrete cosine transform, without the constant row and
 * column, each a bit that says whether it is above their median. Pictures that look the same have few different bits.
 *
 * Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010, section 3.2.1; the transform is the DCT-II.
 *
 * @param grey [32, 32], any range
 * @returns the hash, and that of the picture mirrored left to right
 */
export function perceptualHash(grey: ArrayLike<number>): { hash: PerceptualHash; mirrored: PerceptualHash } {
  const coefficients = lowFrequencies(grey);
  // A mirrored picture has the same cosines, those of odd horizontal frequencies with the other sign.
  const mirrored = coefficients.map((value, i) => (horizontal(i) % 2 === 1 ? -value : value));
  return { hash: aboveMedian(coefficients), mirrored: aboveMedian(mirrored) };
}

/** Number of different bits. */
export function hammingDistance([highA, lowA]: PerceptualHash, [highB, lowB]: PerceptualHash): number {
  return ones(highA ^ highB) + ones(lowA ^ lowB);
}

/** Number of set bits of 32. */
export function ones(bits: number): number {
  const pairs = bits - ((bits >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

const horizontal = (index: number) => (index % KEPT) + 1;

/** cos((2x + 1) · k · π / 64) for k = 1 … 8: [8, 32]. */
const COSINES = Array.from({ length: KEPT }, (_, k) =>
  Float64Array.from({ length: HASHED_SIDE }, (_, x) => Math.cos(((2 * x + 1) * (k + 1) * Math.PI) / (2 * HASHED_SIDE))),
);

/** @returns [8, 8], row by row; a row has one vertical frequency */
function lowFrequencies(grey: ArrayLike<number>): Float64Array {
  const rows = new Float64Array(HASHED_SIDE * KEPT);
  for (let y = 0; y < HASHED_SIDE; y++) {
    for (let k = 0; k < KEPT; k++) {
      let sum = 0;
      for (let x = 0; x < HASHED_SIDE; x++) sum += grey[y * HASHED_SIDE + x] * COSINES[k][x];
      rows[y * KEPT + k] = sum;
    }
  }
  const coefficients = new Float64Array(KEPT * KEPT);
  for (let k = 0; k < KEPT; k++) {
    for (let column = 0; column < KEPT; column++) {
      let sum = 0;
      for (let y = 0; y < HASHED_SIDE; y++) sum += rows[y * KEPT + column] * COSINES[k][y];
      coefficients[k * KEPT + column] = sum;
    }
  }
  return coefficients;
}

function aboveMedian(values: Float64Array): PerceptualHash {
  const sorted = values.toSorted();
  const median = (sorted[values.length / 2 - 1] + sorted[values.length / 2]) / 2;
  const halves = [0, 0];
  values.forEach((value, i) => {
    if (value > median) halves[i >> 5] |= 1 << (i & 31);
  });
  return [halves[0] >>> 0, halves[1] >>> 0];
}
