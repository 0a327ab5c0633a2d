import { maskBox, maskOverlap, type RunLengths } from '@fovea/data/masks';
import type { DetectionRecords, OverlapKind } from './detection-records.ts';

/** Of a detection and a truth, by their places in the lists: intersection / union, or / area of the detection. */
export type Overlap = (detection: number, truth: number, ofDetection: boolean) => number;

/**
 * Intersection over union of two boxes (COCO's bbIou), or over the area of the first where the second is a region of many things.
 *
 * @param boxes x, y, width, height of each [4 · N]; likewise `others`
 * @returns 0..1; 0 where they only touch
 */
export function boxOverlap(
  boxes: Float64Array,
  box: number,
  others: Float64Array,
  other: number,
  ofFirst: boolean,
): number {
  const [a, b] = [4 * box, 4 * other];
  const width = Math.min(boxes[a + 2] + boxes[a], others[b + 2] + others[b]) - Math.max(boxes[a], others[b]);
  if (width <= 0) return 0;
  const height =
    Math.min(boxes[a + 3] + boxes[a + 1], others[b + 3] + others[b + 1]) - Math.max(boxes[a + 1], others[b + 1]);
  if (height <= 0) return 0;
  const both = width * height;
  const area = boxes[a + 2] * boxes[a + 3];
  return both / (ofFirst ? area : area + others[b + 2] * others[b + 3] - both);
}

/**
 * The same where boxes name their last pixel, which belongs to them: widths and heights are one more than the difference of the
 * corners (the development kit of Pascal VOC).
 */
export function boxOverlapPlusOne(boxes: Float64Array, box: number, others: Float64Array, other: number): number {
  const [a, b] = [4 * box, 4 * other];
  const [right, bottom] = [boxes[a] + boxes[a + 2], boxes[a + 1] + boxes[a + 3]];
  const [otherRight, otherBottom] = [others[b] + others[b + 2], others[b + 1] + others[b + 3]];
  const width = Math.max(Math.min(right, otherRight) - Math.max(boxes[a], others[b]) + 1, 0);
  const height = Math.max(Math.min(bottom, otherBottom) - Math.max(boxes[a + 1], others[b + 1]) + 1, 0);
  const both = width * height;
  const area = (right - boxes[a] + 1) * (bottom - boxes[a + 1] + 1);
  const otherArea = (otherRight - others[b] + 1) * (otherBottom - others[b + 1] + 1);
  return both / (area + otherArea - both);
}

/** How records are laid over each other. Masks are only walked where the boxes around them overlap. */
export function overlapsOf({ truths, detections }: DetectionRecords, kind: OverlapKind): Overlap {
  if (kind === 'bbox') {
    const found = new Float64Array(detections.box);
    const there = new Float64Array(truths.box);
    return (detection, truth, ofDetection) => boxOverlap(found, detection, there, truth, ofDetection);
  }
  const { masks: found = [] } = detections;
  const { masks: there = [] } = truths;
  const foundBoxes = boxesAround(found);
  const boxesThere = boxesAround(there);
  return (detection, truth, ofDetection) =>
    boxOverlap(foundBoxes, detection, boxesThere, truth, ofDetection) > 0
      ? maskOverlap(found[detection], there[truth], ofDetection)
      : 0;
}

function boxesAround(masks: readonly RunLengths[]): Float64Array {
  const boxes = new Float64Array(4 * masks.length);
  for (const [i, mask] of masks.entries()) boxes.set(maskBox(mask), 4 * i);
  return boxes;
}
