/**
 * A number of the Sobol sequence (Antonov and Saleev 1979, Gray-code order): points that fill the unit cube evenly, whose every prefix
 * does. The first is the origin.
 *
 * @param index of the point, from 0
 * @param dimension from 0; each dimension is a sequence of its own
 * @returns in [0, 1), a multiple of 2⁻³²
 * @throws RangeError for a dimension of which no direction numbers are here
 */
export function sobol(index: number, dimension: number): number {
  const numbers = directionNumbers(dimension);
  const gray = (index ^ (index >>> 1)) >>> 0;
  let bits = 0;
  for (let i = 0; i < 32; i++) if ((gray >>> i) & 1) bits ^= numbers[i];
  return (bits >>> 0) / 2 ** 32;
}

/** How many dimensions there are. */
export const SOBOL_DIMENSIONS = 40;

const known: Uint32Array[] = [];

function directionNumbers(dimension: number): Uint32Array {
  if (!(dimension >= 0 && dimension < SOBOL_DIMENSIONS))
    throw new RangeError(`Sobol points have ${SOBOL_DIMENSIONS} dimensions here, not ${dimension + 1}`);
  known[dimension] ??= computeDirectionNumbers(dimension);
  return known[dimension];
}

function computeDirectionNumbers(dimension: number): Uint32Array {
  const numbers = new Uint32Array(32);
  if (dimension === 0) return numbers.map((_, i) => 2 ** (31 - i));
  const [coefficients, ...initial] = JOE_AND_KUO[dimension - 1];
  const degree = initial.length;
  for (let i = 0; i < 32; i++) {
    if (i < degree) {
      numbers[i] = initial[i] << (31 - i);
      continue;
    }
    numbers[i] = numbers[i - degree] ^ (numbers[i - degree] >>> degree);
    for (let k = 1; k < degree; k++) if ((coefficients >>> (degree - 1 - k)) & 1) numbers[i] ^= numbers[i - k];
  }
  return numbers;
}

/**
 * For every dimension after the first, the inner coefficients of its primitive polynomial as bits, and the first direction numbers, as
 * many as the polynomial's degree (Joe and Kuo 2008, table new-joe-kuo-6).
 */
const JOE_AND_KUO: readonly (readonly number[])[] = [
  [0, 1],
  [1, 1, 3],
  [1, 1, 3, 1],
  [2, 1, 1, 1],
  [1, 1, 1, 3, 3],
  [4, 1, 3, 5, 13],
  [2, 1, 1, 5, 5, 17],
  [4, 1, 1, 5, 5, 5],
  [7, 1, 1, 7, 11, 19],
  [11, 1, 1, 5, 1, 1],
  [13, 1, 1, 1, 3, 11],
  [14, 1, 3, 5, 5, 31],
  [1, 1, 3, 3, 9, 7, 49],
  [13, 1, 1, 1, 15, 21, 21],
  [16, 1, 3, 1, 13, 27, 49],
  [19, 1, 1, 1, 15, 7, 5],
  [22, 1, 3, 1, 15, 13, 25],
  [25, 1, 1, 5, 5, 19, 61],
  [1, 1, 3, 7, 11, 23, 15, 103],
  [4, 1, 3, 7, 13, 13, 15, 69],
  [7, 1, 1, 3, 13, 7, 35, 63],
  [8, 1, 3, 5, 9, 1, 25, 53],
  [14, 1, 3, 1, 13, 9, 35, 107],
  [19, 1, 3, 1, 5, 27, 61, 31],
  [21, 1, 1, 5, 11, 19, 41, 61],
  [28, 1, 3, 5, 3, 3, 13, 69],
  [31, 1, 1, 7, 13, 1, 19, 1],
  [32, 1, 3, 7, 5, 13, 19, 59],
  [37, 1, 1, 3, 9, 25, 29, 41],
  [41, 1, 3, 5, 13, 23, 1, 55],
  [42, 1, 3, 7, 3, 13, 59, 17],
  [50, 1, 3, 1, 3, 5, 53, 69],
  [55, 1, 1, 5, 5, 23, 33, 13],
  [56, 1, 1, 7, 7, 1, 61, 123],
  [59, 1, 1, 7, 9, 13, 61, 49],
  [62, 1, 3, 3, 5, 3, 55, 33],
  [14, 1, 3, 1, 15, 31, 13, 49, 245],
  [21, 1, 3, 5, 15, 31, 59, 63, 97],
  [22, 1, 3, 1, 11, 11, 11, 77, 249],
];
