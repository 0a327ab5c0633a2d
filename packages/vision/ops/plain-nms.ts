import { cat, noGrad, ones, ops, type Tensor, tidy } from '@fovea/torch';
import { boxIou } from './boxes.ts';

/** Boxes that are compared with each other at once: bounds the memory, which grows with the square. */
const BLOCK = 1000;

/** `nms` made of tensor operators, for where torchvision's is not installed; the same indices. */
export function plainNms(boxes: Tensor, scores: Tensor, iouThreshold: number): Tensor {
  return noGrad(() =>
    tidy(() => {
      const [, order] = scores.sort(-1, true);
      const kept: Tensor[] = [];
      for (let start = 0; start < boxes.size(0); start += BLOCK) {
        const places = order.slice(0, start, start + BLOCK);
        const block = boxes.indexSelect(0, places);
        const candidates = kept.length
          ? isNowhere(covers(boxes.indexSelect(0, cat(kept)), block, iouThreshold))
          : ones([block.size(0)], { device: boxes.device });
        const survivors = suppress(candidates, covers(block, block, iouThreshold));
        kept.push(places.indexSelect(0, ops.nonzero(survivors).squeeze(1)));
      }
      return kept.length ? cat(kept) : order;
    }),
  );
}

/** Whether each of `a` overlaps each of `b` beyond the threshold: 0 or 1, `[A, B]`. */
const covers = (a: Tensor, b: Tensor, threshold: number): Tensor =>
  // In double precision, as torchvision compares: the threshold must not be rounded.
  tidy(() => boxIou(a, b).to({ dtype: 'float64' }).gt(threshold).float());

/** 1 for each column without a 1. */
const isNowhere = (matrix: Tensor): Tensor => matrix.sum(0).eq(0).float();

/**
 * Which candidates no survivor before them covers. A box's fate depends on those before it only, so that repeating the rule for all at
 * once settles them from the first on; it is settled when nothing changes.
 */
function suppress(candidates: Tensor, covered: Tensor): Tensor {
  const byEarlier = ops.triu(covered, 1);
  let survivors = candidates;
  for (;;) {
    const now: Tensor = survivors;
    const next = tidy(() => candidates.mul(isNowhere(byEarlier.mul(now.unsqueeze(1)))));
    if (next.equal(survivors)) return survivors;
    survivors = next;
  }
}
