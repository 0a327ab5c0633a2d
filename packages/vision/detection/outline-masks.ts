import { polygonsMask } from '@fovea/data/masks';
import type { Size } from '../transforms/geometry.ts';
import type { Outline } from '../yolov5/augment-boxes.ts';

/**
 * The masks of objects in an image, drawn as COCO draws polygons: 1 where the object is, row by row `[K, height, width]`, the bytes of
 * a target's `masks`.
 *
 * @param outlines in pixels of the image; what lies outside of it is cut off
 */
export function outlineMasks(outlines: readonly Outline[], { width, height }: Size): Uint8Array<ArrayBuffer> {
  const masks = new Uint8Array(outlines.length * height * width);
  for (const [k, outline] of outlines.entries()) {
    if (outline.length === 0) continue;
    const { counts } = polygonsMask(outline, height, width);
    const start = k * height * width;
    let end = 0;
    for (let i = 0; i < counts.length; i++) {
      const from = end;
      end += counts[i];
      if (i % 2 === 0) continue;
      // Runs go down the columns.
      let [x, y] = [Math.floor(from / height), from % height];
      for (let pixel = from; pixel < end; pixel++) {
        masks[start + y * width + x] = 1;
        if (++y === height) [x, y] = [x + 1, 0];
      }
    }
  }
  return masks;
}
