/** YOLO's way to one size: the image resized as a whole, on a grey canvas. */

import { resizeLinear } from '@fovea/data/resize-linear';
import { roundHalfToEven, type Size } from './geometry.ts';

export interface LetterboxOptions {
  /** Default true: the canvas is only as large as the image needs, in whole strides. False: it is a square. */
  auto?: boolean;
  /** Default true: a small image is enlarged. */
  scaleUp?: boolean;
  /** Default false. True: the image is stretched to the whole square, without canvas around it. */
  stretch?: boolean;
  /** Pixels in which the canvas grows when `auto` is true. Default 32. */
  stride?: number;
}

/** How points of the image become points of the canvas: x · ratioX + left, y · ratioY + top. */
export interface Letterbox {
  /** Of the image on the canvas. */
  resized: Size;
  canvas: Size;
  left: number;
  top: number;
  ratioX: number;
  ratioY: number;
  /** Half of what the canvas is wider and higher than the image, before it was rounded to `left` and `top`. */
  padding: { x: number; y: number };
}

/** Grey of the canvas. */
const CANVAS = 114;

/** Where an image goes, as `letterbox` of YOLOv5 (utils/datasets.py) places it in `size` × `size`. */
export function letterboxGeometry(
  { width, height }: Size,
  size: number,
  { auto = true, scaleUp = true, stretch = false, stride = 32 }: LetterboxOptions = {},
): Letterbox {
  const fit = Math.min(size / height, size / width);
  const ratio = scaleUp ? fit : Math.min(fit, 1);
  const scaled = { width: roundHalfToEven(width * ratio), height: roundHalfToEven(height * ratio) };
  const missing = { x: size - scaled.width, y: size - scaled.height };
  const resized = !auto && stretch ? { width: size, height: size } : scaled;
  const padding = auto
    ? { x: (missing.x % stride) / 2, y: (missing.y % stride) / 2 }
    : stretch
      ? { x: 0, y: 0 }
      : { x: missing.x / 2, y: missing.y / 2 };
  // One pixel of an odd number goes to the right and below.
  const [left, top] = [roundHalfToEven(padding.x - 0.1), roundHalfToEven(padding.y - 0.1)];
  const [right, bottom] = [roundHalfToEven(padding.x + 0.1), roundHalfToEven(padding.y + 0.1)];
  return {
    resized,
    canvas: { width: resized.width + left + right, height: resized.height + top + bottom },
    left,
    top,
    ratioX: resized === scaled ? ratio : size / width,
    ratioY: resized === scaled ? ratio : size / height,
    padding,
  };
}

/**
 * Resizes an image and puts it on its canvas, bit for bit as YOLOv5 does with OpenCV.
 *
 * @param pixels RGB, height × width × 3
 * @returns RGB of `placement.canvas`
 */
export function letterbox(
  pixels: Uint8Array,
  { width, height }: Size,
  placement: Letterbox,
): Uint8Array<ArrayBufferLike> {
  const { resized, canvas, left, top } = placement;
  const image =
    resized.width === width && resized.height === height ? pixels : resizeLinear(pixels, { width, height }, resized);
  if (canvas.width === resized.width && canvas.height === resized.height) return image;
  const result = new Uint8Array(canvas.width * canvas.height * 3).fill(CANVAS);
  for (let y = 0; y < resized.height; y++) {
    const row = image.subarray(y * resized.width * 3, (y + 1) * resized.width * 3);
    result.set(row, ((top + y) * canvas.width + left) * 3);
  }
  return result;
}
