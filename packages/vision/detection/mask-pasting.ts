import { arange, noGrad, ops, stack, type Tensor, tidy } from '@fovea/torch';
import type { Size } from '../transforms/index.ts';

/** Masks get a border of zeros as wide as this, so that they fade out at the edge of their box. */
const BORDER = 1;

/**
 * Puts masks of boxes on the image: torchvision's `paste_masks_in_image`. A box is enlarged by the border, its corners lose their
 * fractions, and the mask is resized to it bilinearly, which is a product with a matrix of weights on each side.
 *
 * @param masks probabilities `[K, m, m]`
 * @param boxes corners in pixels of the image, `[K, 4]`
 * @returns probabilities `[K, height, width]`, 0 outside of the boxes
 */
export function masksOnImage(masks: Tensor, boxes: Tensor, { height, width }: Size): Tensor {
  return noGrad(() =>
    tidy(() => {
      const cells = masks.size(-1) + 2 * BORDER;
      const bordered = ops.constantPadNd(masks, [BORDER, BORDER, BORDER, BORDER]);
      const corners = ops.trunc(enlarged(boxes, cells / masks.size(-1)));
      const rows = weightsAlong(corners.select(1, 1), corners.select(1, 3), height, cells);
      const columns = weightsAlong(corners.select(1, 0), corners.select(1, 2), width, cells);
      return rows.matmul(bordered).matmul(columns.transpose(1, 2));
    }),
  );
}

/** Boxes about the same centres, their sides multiplied. */
function enlarged(boxes: Tensor, factor: number): Tensor {
  const side = (low: Tensor, high: Tensor): [Tensor, Tensor] => {
    const half = high.sub(low).mul(0.5).mul(factor);
    const centre = high.add(low).mul(0.5);
    return [centre.sub(half), centre.add(half)];
  };
  const [left, right] = side(boxes.select(1, 0), boxes.select(1, 2));
  const [top, bottom] = side(boxes.select(1, 1), boxes.select(1, 3));
  return stack([left, top, right, bottom], 1);
}

/**
 * How much each cell of a mask counts for each pixel of a side of the image, `[K, length, cells]`. Pixels outside of the box see the
 * cells of the border, which are zero.
 *
 * @param first, last pixels of the box, whole numbers `[K]`
 */
function weightsAlong(first: Tensor, last: Tensor, length: number, cells: number): Tensor {
  const { device } = first;
  const along = (count: number): Tensor => arange(0, count, 1, { dtype: 'float32', device });
  const pixels = last.sub(first).add(1).clamp(1).unsqueeze(1);
  const place = along(length).unsqueeze(0).sub(first.unsqueeze(1)).add(0.5).mul(cells).div(pixels).sub(0.5);
  const cell = place.clamp(0, cells - 1).unsqueeze(2);
  return cell.sub(along(cells)).abs().neg().add(1).clamp(0);
}
