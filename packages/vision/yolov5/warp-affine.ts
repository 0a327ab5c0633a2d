/** OpenCV's `warpAffine(…, INTER_LINEAR)` of 8-bit images with a border of one colour (imgproc/src/imgwarp.cpp). */
import { roundHalfToEven, type Size } from '../transforms/geometry.ts';
import type { Affine } from './augment-plan.ts';

/** Positions are computed in 1024ths of a pixel and then rounded to 32nds, as there. */
const POSITION_BITS = 10;
const FRACTION_BITS = 5;
const FRACTIONS = 2 ** FRACTION_BITS;
/** Weights of the four pixels add up to this. */
const WEIGHT_BITS = 2 * FRACTION_BITS;
const ROUNDING = 2 ** (WEIGHT_BITS - 1);

/**
 * @param pixels RGB, height × width × 3
 * @param affine from the input to the output
 * @param border grey where the output shows what is outside of the input, 0 … 255
 * @returns RGB of `to`
 * @throws RangeError when the map has no inverse
 */
export function warpAffine(
  pixels: Uint8Array,
  from: Size,
  affine: Affine,
  to: Size,
  border: number,
): Uint8Array<ArrayBuffer> {
  const [a, b, c, d, e, f] = inverse(affine);
  const fixed = (value: number): number => roundHalfToEven(value * 2 ** POSITION_BITS);
  const alongX = Int32Array.from({ length: to.width }, (_, x) => fixed(a * x));
  const alongY = Int32Array.from({ length: to.width }, (_, x) => fixed(d * x));
  const half = 2 ** (POSITION_BITS - FRACTION_BITS - 1);
  const shift = POSITION_BITS - FRACTION_BITS;
  const { width, height } = from;
  const stride = width * 3;
  const result = new Uint8Array(to.width * to.height * 3);
  for (let y = 0, at = 0; y < to.height; y++) {
    const startX = fixed(b * y + c) + half;
    const startY = fixed(e * y + f) + half;
    for (let x = 0; x < to.width; x++, at += 3) {
      const fineX = (startX + alongX[x]) >> shift;
      const fineY = (startY + alongY[x]) >> shift;
      const column = fineX >> FRACTION_BITS;
      const row = fineY >> FRACTION_BITS;
      const right = fineX & (FRACTIONS - 1);
      const below = fineY & (FRACTIONS - 1);
      if (column < -1 || row < -1 || column >= width || row >= height) {
        result[at] = result[at + 1] = result[at + 2] = border;
        continue;
      }
      // Weights of the four pixels, and where they are.
      const lowerRight = right * below;
      const lowerLeft = below * FRACTIONS - lowerRight;
      const upperRight = right * FRACTIONS - lowerRight;
      const upperLeft = FRACTIONS * FRACTIONS - upperRight - lowerLeft - lowerRight;
      const i = row * stride + column * 3;
      const k = i + stride;
      if (column >= 0 && row >= 0 && column < width - 1 && row < height - 1) {
        const red = pixels[i] * upperLeft + pixels[i + 3] * upperRight;
        const green = pixels[i + 1] * upperLeft + pixels[i + 4] * upperRight;
        const blue = pixels[i + 2] * upperLeft + pixels[i + 5] * upperRight;
        result[at] = (red + pixels[k] * lowerLeft + pixels[k + 3] * lowerRight + ROUNDING) >> WEIGHT_BITS;
        result[at + 1] = (green + pixels[k + 1] * lowerLeft + pixels[k + 4] * lowerRight + ROUNDING) >> WEIGHT_BITS;
        result[at + 2] = (blue + pixels[k + 2] * lowerLeft + pixels[k + 5] * lowerRight + ROUNDING) >> WEIGHT_BITS;
        continue;
      }
      const hasLeft = column >= 0;
      const hasRight = column < width - 1;
      const hasUpper = row >= 0;
      const hasLower = row < height - 1;
      for (let channel = 0; channel < 3; channel++) {
        let sum = ROUNDING;
        sum += (hasUpper && hasLeft ? pixels[i + channel] : border) * upperLeft;
        sum += (hasUpper && hasRight ? pixels[i + channel + 3] : border) * upperRight;
        sum += (hasLower && hasLeft ? pixels[k + channel] : border) * lowerLeft;
        sum += (hasLower && hasRight ? pixels[k + channel + 3] : border) * lowerRight;
        result[at + channel] = sum >> WEIGHT_BITS;
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
