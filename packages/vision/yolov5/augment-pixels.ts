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
  let pixels = new Uint8Array(canvas.width * canvas.height * 3).fill(GREY);
  for (const tile of tiles) paste(imageOf(tile.image), tile, pixels, canvas);
  if (affine) pixels = new Uint8Array(warpAffine(pixels, canvas, affine, output, GREY));
  if (flip) mirrorRows(pixels, output);
  return pixels;
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
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width >> 1; x++) {
      const [a, b] = [(y * width + x) * 3, (y * width + width - 1 - x) * 3];
      for (let c = 0; c < 3; c++) [pixels[a + c], pixels[b + c]] = [pixels[b + c], pixels[a + c]];
    }
  }
}
