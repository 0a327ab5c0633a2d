/** The pixels of a training image that was planned. No engine is loaded. */

import { resizeLinear } from '@fovea/data/resize-linear';
import type { Size } from '../transforms/geometry.ts';
import type { SamplePlan, Tile } from './augment-plan.ts';
import { warpAffine } from './warp-affine.ts';

/** An image as it was decoded: RGB, height × width × 3. */
export interface OriginalImage extends Size {
  pixels: Uint8Array;
}

/** Grey of what no image covers. */
const GREY = 114;

/**
 * Puts the images of a plan on its canvas and takes the output from it.
 *
 * @param imageOf the original with that index, of the size that the plan was made for
 * @returns RGB of `plan.output`
 */
export function pixelsOfSample(plan: SamplePlan, imageOf: (image: number) => OriginalImage): Uint8Array {
  const { canvas, tiles, affine, output, flip } = plan;
  const bytes = canvas.width * canvas.height * 3;
  const whole = (affine ? passingCanvas(bytes) : new Uint8Array(bytes)).fill(GREY);
  for (const tile of tiles) paste(imageOf(tile.image), tile, whole, canvas);
  const pixels = affine ? warpAffine(whole, canvas, affine, output, GREY) : whole;
  if (flip) mirrorRows(pixels, output);
  return pixels;
}

let canvasMemory = new Uint8Array(0);

/** The same memory each time: a canvas that only an affine map looks at is large, and there is one for each image. */
function passingCanvas(bytes: number): Uint8Array<ArrayBuffer> {
  if (canvasMemory.length < bytes) canvasMemory = new Uint8Array(bytes);
  return canvasMemory.subarray(0, bytes);
}

function paste({ pixels, width, height }: OriginalImage, tile: Tile, canvas: Uint8Array, { width: canvasWidth }: Size) {
  const { resized, source, left, top } = tile;
  const isSame = resized.width === width && resized.height === height;
  const image = isSame ? pixels : resizeLinear(pixels, { width, height }, resized);
  for (let y = 0; y < source.height; y++) {
    const first = ((source.top + y) * resized.width + source.left) * 3;
    canvas.set(image.subarray(first, first + source.width * 3), ((top + y) * canvasWidth + left) * 3);
  }
}

function mirrorRows(pixels: Uint8Array, { width, height }: Size): void {
  const row = new Uint8Array(width * 3);
  for (let y = 0; y < height; y++) {
    const start = y * width * 3;
    row.set(pixels.subarray(start, start + width * 3));
    for (let to = start, from = (width - 1) * 3; from >= 0; to += 3, from -= 3) {
      pixels[to] = row[from];
      pixels[to + 1] = row[from + 1];
      pixels[to + 2] = row[from + 2];
    }
  }
}
