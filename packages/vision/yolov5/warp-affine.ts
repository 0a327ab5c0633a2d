/** OpenCV's `warpAffine(…, INTER_LINEAR)` of 8-bit images with a border of one colour (imgproc/src/imgwarp.cpp). */
import { roundHalfToEven, type Size } from '../transforms/geometry.ts';
import type { Affine } from './augment-plan.ts';

/** Positions are computed in 1024ths of a pixel and then rounded to 32nds, as there. */
const POSITION_BITS = 10;
const FRACTION_BITS = 5;
const FRACTIONS = 2 ** FRACTION_BITS;
/** Weights of the four pixels add up to this. */
const WEIGHT_BITS = 2 * FRACTION_BITS;

/**
 * @param pixels RGB, height × width × 3
 * @param affine from the input to the output
 * @param border grey where the output shows what is outside of the input, 0 … 255
 * @returns RGB of `to`
 * @throws RangeError when the map has no inverse
 */
export function warpAffine(pixels: Uint8Array, from: Size, affine: Affine, to: Size, border: number): Uint8Array {
  const [a, b, c, d, e, f] = inverse(affine);
  const fixed = (value: number): number => roundHalfToEven(value * 2 ** POSITION_BITS);
  const alongX = Int32Array.from({ length: to.width }, (_, x) => fixed(a * x));
  const alongY = Int32Array.from({ length: to.width }, (_, x) => fixed(d * x));
  const half = 2 ** (POSITION_BITS - FRACTION_BITS - 1);
  const shift = POSITION_BITS - FRACTION_BITS;
  const { width, height } = from;
  const stride = width * 3;
  const result = new Uint8Array(to.width * to.height * 3);
  let at = 0;
  for (let y = 0; y < to.height; y++) {
    const startX = fixed(b * y + c) + half;
    const startY = fixed(e * y + f) + half;
    for (let x = 0; x < to.width; x++) {
      const fineX = (startX + alongX[x]) >> shift;
      const fineY = (startY + alongY[x]) >> shift;
      const [column, row] = [fineX >> FRACTION_BITS, fineY >> FRACTION_BITS];
      const [right, below] = [fineX & (FRACTIONS - 1), fineY & (FRACTIONS - 1)];
      const [left, above] = [FRACTIONS - right, FRACTIONS - below];
      const first = row * stride + column * 3;
      if (column >= 0 && row >= 0 && column < width - 1 && row < height - 1) {
        for (let channel = 0; channel < 3; channel++) {
          const corner = first + channel;
          const upper = pixels[corner] * left + pixels[corner + 3] * right;
          const lower = pixels[corner + stride] * left + pixels[corner + stride + 3] * right;
          result[at++] = (upper * above + lower * below + 2 ** (WEIGHT_BITS - 1)) >> WEIGHT_BITS;
        }
        continue;
      }
      const [hasLeft, hasRight] = [column >= 0 && column < width, column >= -1 && column < width - 1];
      const [hasUpper, hasLower] = [row >= 0 && row < height, row >= -1 && row < height - 1];
      for (let channel = 0; channel < 3; channel++) {
        const corner = first + channel;
        const upperLeft = hasUpper && hasLeft ? pixels[corner] : border;
        const upperRight = hasUpper && hasRight ? pixels[corner + 3] : border;
        const lowerLeft = hasLower && hasLeft ? pixels[corner + stride] : border;
        const lowerRight = hasLower && hasRight ? pixels[corner + stride + 3] : border;
        const upper = upperLeft * left + upperRight * right;
        const lower = lowerLeft * left + lowerRight * right;
        result[at++] = (upper * above + lower * below + 2 ** (WEIGHT_BITS - 1)) >> WEIGHT_BITS;
      }
    }
  }
  return result;
}

function inverse([a, b, c, d, e, f]: Affine): Affine {
  const determinant = a * e - b * d;
  if (!(Math.abs(determinant) > 0)) throw new RangeError('an affine map without an inverse: it flattens the image');
  const [p, q, s, t] = [e / determinant, -b / determinant, -d / determinant, a / determinant];
  return [p, q, -p * c - q * f, s, t, -s * c - t * f];
}
