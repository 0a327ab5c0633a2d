import { cat, noGrad, ops, type Tensor, tidy, zeros } from '@fovea/torch';
import { roiAlign } from '../ops/index.ts';

/** Masks become floats only where they are cut out, so many pixels at a time (16 MiB). */
const MOST_PIXELS = 2 ** 22;

/**
 * What lies of a mask in each box, on a grid: torchvision's `project_masks_on_boxes`. The masks stay bytes; only as many as `mostPixels`
 * allows are floats at the same time.
 *
 * @param masks 0 or 1, uint8 or bool `[K, H, W]`
 * @param boxes corners in pixels of the masks, float32 `[P, 4]`
 * @param matches which mask belongs to each box, int64 `[P]`
 * @param side cells along each side of the grid
 * @returns shares of the cells that the mask covers, in [0, 1], float32 `[P, side, side]`
 */
export function cropMasks(
  masks: Tensor,
  boxes: Tensor,
  matches: Tensor,
  side: number,
  { mostPixels = MOST_PIXELS }: { mostPixels?: number } = {},
): Tensor {
  return noGrad(() =>
    tidy(() => {
      const [count, height, width] = masks.shape;
      const crop = (from: number, length: number, rows: Tensor | null): Tensor => {
        const own = (x: Tensor): Tensor => (rows ? x.indexSelect(0, rows) : x);
        const nth = own(matches).sub(from).to({ dtype: boxes.dtype }).unsqueeze(1);
        const some = masks.narrow(0, from, length).unsqueeze(1).to({ dtype: boxes.dtype });
        return roiAlign(some, cat([nth, own(boxes)], 1), { size: [side, side], scale: 1 }).squeeze(1);
      };
      const atOnce = Math.max(1, Math.floor(mostPixels / Math.max(1, height * width)));
      if (count <= atOnce) return crop(0, count, null);
      const result = zeros([boxes.size(0), side, side], { dtype: boxes.dtype, device: boxes.device });
      for (let from = 0; from < count; from += atOnce) {
        tidy(() => {
          const length = Math.min(atOnce, count - from);
          const isHere = ops.logicalAnd(matches.ge(from), matches.lt(from + length));
          const rows = ops.nonzero(isHere).squeeze(1);
          if (rows.size(0) > 0) ops.indexPut_(result, [rows], crop(from, length, rows));
        });
      }
      return result;
    }),
  );
}
