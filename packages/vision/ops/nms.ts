import { ops, type Tensor } from '@fovea/torch';

/**
 * Non-maximum suppression: a box goes when its IoU with a better one that stays is greater than the threshold.
 *
 * @param boxes `[N, 4]`, corners
 * @param scores `[N]`
 * @returns indices of those that stay, best first, int64
 */
export const nms = (boxes: Tensor, scores: Tensor, iouThreshold: number): Tensor =>
  ops.nms(boxes, scores, iouThreshold);

/** `nms` within each category. `categories`: whole numbers `[N]`. */
export function batchedNms(boxes: Tensor, scores: Tensor, categories: Tensor, iouThreshold: number): Tensor {
  if (boxes.numel === 0) return ops.nms(boxes, scores, iouThreshold);
  // Every category moves to an area of its own, so that boxes of different ones never meet.
  const stride = boxes.max().add(1);
  const offsets = categories.to({ dtype: boxes.dtype }).mul(stride).unsqueeze(1);
  return ops.nms(boxes.add(offsets), scores, iouThreshold);
}
