import type { Size } from '../transforms/geometry.ts';

/**
 * The size that a detector sees an image at: the shorter side becomes `minSize`, unless the longer one then exceeded `maxSize`.
 * Computed in single precision and by way of the reciprocal, as torchvision's `_resize_image_and_masks` does: whole pixels are rounded
 * down from this, so that an image of the right size may lose a pixel. Of an image
 * that is hundreds of times longer than wide one pixel is left, where torchvision has none and fails.
 */
export function detectionSize({ width, height }: Size, minSize: number, maxSize: number): Size {
  const shrink = (side: number, length: number): number => Math.fround(Math.fround(1 / length) * side);
  const scale = Math.min(shrink(minSize, Math.min(height, width)), shrink(maxSize, Math.max(height, width)));
  return { height: Math.max(1, Math.floor(height * scale)), width: Math.max(1, Math.floor(width * scale)) };
}
