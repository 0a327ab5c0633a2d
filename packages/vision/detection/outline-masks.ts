import { paintMask, polygonsMask } from '@fovea/data/masks';
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
    const start = k * height * width;
    paintMask(polygonsMask(outline, height, width), masks.subarray(start, start + height * width), 1);
  }
  return masks;
}
