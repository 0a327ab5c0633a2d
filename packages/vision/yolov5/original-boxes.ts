import { cat, stack, type Tensor } from '@fovea/torch';
import { clipBoxes } from '../ops/index.ts';
import type { Size } from '../transforms/geometry.ts';
import type { Letterbox } from '../transforms/letterbox.ts';

/** Where the image lies on the canvas; of `letterboxGeometry`'s answer the part that boxes need. */
export type Placement = Pick<Letterbox, 'ratioX' | 'ratioY' | 'padding'>;

/**
 * Boxes on a letterbox canvas, back on the original image and clipped to it.
 *
 * @param boxes `[n, 4 or more]`: corners in pixels of the canvas, the rest stays as it is
 * @param image size of the original image
 * @param placement as `letterboxGeometry` gives it; padding is taken before it was rounded, as YOLOv5 does
 */
export function boxesOnOriginal(boxes: Tensor, image: Size, { ratioX, ratioY, padding }: Placement): Tensor {
  const along = (column: number, offset: number, ratio: number): Tensor =>
    boxes.select(1, column).sub(offset).div(ratio);
  const corners = stack(
    [
      along(0, padding.x, ratioX),
      along(1, padding.y, ratioY),
      along(2, padding.x, ratioX),
      along(3, padding.y, ratioY),
    ],
    1,
  );
  return cat([clipBoxes(corners, image), boxes.slice(1, 4)], 1);
}
