/** What was found in an image and in its tiles, as one answer. */
import type { Rectangle } from './geometry.ts';
import { type PlainDetections, plainNonMaxSuppression, takeDetections } from './non-max-suppression.ts';

/** What was found in a part of an image. */
export interface PartDetections {
  /** Boxes in pixels of the image, counted from the part's upper left corner. */
  found: PlainDetections;
  part: Pick<Rectangle, 'left' | 'top'>;
}

/**
 * The answer for an image of which parts were looked at: all boxes in pixels of the whole image, without those that overlap a better one
 * of their class. Of equal scores the box of the earlier part is the better one.
 *
 * @param iouThreshold a box goes when it overlaps a better one by more than this, in [0, 1]
 * @param most so many boxes stay at most
 * @returns best first
 */
export function mergeDetections(
  parts: readonly PartDetections[],
  { iouThreshold, most }: { iouThreshold: number; most: number },
): PlainDetections {
  const count = parts.reduce((sum, { found }) => sum + found.scores.length, 0);
  const all = { boxes: new Float32Array(4 * count), scores: new Float32Array(count), labels: new Int32Array(count) };
  let at = 0;
  for (const { found, part } of parts) {
    for (let i = 0; i < found.boxes.length; i++)
      all.boxes[4 * at + i] = found.boxes[i] + (i % 2 === 0 ? part.left : part.top);
    all.scores.set(found.scores, at);
    all.labels.set(found.labels, at);
    at += found.scores.length;
  }
  return takeDetections(all, plainNonMaxSuppression(all, iouThreshold, most));
}
