import { cat, hasOp, ops, type Tensor, tidy } from '@fovea/torch';
import { plainNms } from './plain-nms.ts';

/**
 * Non-maximum suppression: a box goes when its IoU with a better one that stays is greater than the threshold.
 *
 * @param boxes `[N, 4]`, corners
 * @param scores `[N]`
 * @returns indices of those that stay, best first, int64
 */
export const nms = (boxes: Tensor, scores: Tensor, iouThreshold: number): Tensor =>
  hasOp('torchvision::nms') ? ops.nms(boxes, scores, iouThreshold) : plainNms(boxes, scores, iouThreshold);

/** Up to so many boxes, one suppression of all is quicker than one for each category; measured by torchvision. */
const MOST_AT_ONCE = { cpu: 1000, other: 5000 };

/** `nms` within each category. `categories`: whole numbers from 0, int64 or float `[N]`. */
export function batchedNms(boxes: Tensor, scores: Tensor, categories: Tensor, iouThreshold: number): Tensor {
  return tidy(() => {
    const most = boxes.device === 'cpu' ? MOST_AT_ONCE.cpu : MOST_AT_ONCE.other;
    if (boxes.size(0) > most) return byCategory(boxes, scores, categories.long(), iouThreshold);
    if (boxes.numel === 0) return nms(boxes, scores, iouThreshold);
    // Every category moves to an area of its own, so that boxes of different ones never meet.
    const stride = boxes.max().add(1);
    const offsets = categories.to({ dtype: boxes.dtype }).mul(stride).unsqueeze(1);
    return nms(boxes.add(offsets), scores, iouThreshold);
  });
}

function byCategory(boxes: Tensor, scores: Tensor, categories: Tensor, iouThreshold: number): Tensor {
  const counts = ops.bincount(categories).data() as BigInt64Array;
  const kept = Array.from(counts).flatMap((count, category) => {
    if (count === 0n) return [];
    const places = ops.nonzero(categories.eq(category)).squeeze(1);
    const left = nms(boxes.indexSelect(0, places), scores.indexSelect(0, places), iouThreshold);
    return [places.indexSelect(0, left)];
  });
  const all = cat(kept).sort()[0];
  return all.indexSelect(0, scores.indexSelect(0, all).sort(-1, true)[1]);
}
