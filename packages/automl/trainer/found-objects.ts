import type { RunLengths } from '@fovea/data/masks';
import { cat, type Tensor } from '@fovea/torch';
import { type Detections, type PlainDetections, pasteMasks, type Size } from '@fovea/vision';

/** What was found in an image, in its own pixels. */
export interface FoundInImage extends PlainDetections {
  /** Of a detector of masks: which pixels of the image are each object's. */
  readonly masks?: readonly RunLengths[];
}

/**
 * Detections as plain numbers, read from the device at once. Masks become run lengths on their image; no picture of it is made.
 *
 * @param found of each image; its boxes in pixels of the original
 * @param originals sizes of these
 * @param maskThreshold a pixel belongs to an object when it does so more likely than this
 */
export function foundInImages(
  found: readonly Detections[],
  originals: readonly Size[],
  maskThreshold: number,
): FoundInImage[] {
  const rows = found.map(({ boxes, scores, labels }) =>
    cat([boxes.float(), scores.float().unsqueeze(1), labels.float().unsqueeze(1)], 1),
  );
  const numbers = plain(cat(rows));
  const masks = found.flatMap((ofImage) => ofImage.masks ?? []);
  const cells = masks.length > 0 ? plain(cat(masks)) : null;
  const side = masks[0]?.size(-1) ?? 0;
  let end = 0;
  return found.map(({ scores }, i) => {
    const count = scores.size(0);
    const start = end;
    end += count;
    const objects = unpacked(numbers.subarray(6 * start, 6 * end), count);
    if (!cells) return objects;
    const own = { masks: cells.subarray(start * side * side, end * side * side), boxes: objects.boxes, side };
    return { ...objects, masks: pasteMasks(own, originals[i], maskThreshold) };
  });
}

const plain = (x: Tensor): Float32Array => x.float().cpu().contiguous().data() as Float32Array;

/** Rows of corners, score and class. */
function unpacked(rows: Float32Array, count: number): PlainDetections {
  const boxes = new Float32Array(4 * count);
  const scores = new Float32Array(count);
  const labels = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    boxes.set(rows.subarray(6 * i, 6 * i + 4), 4 * i);
    scores[i] = rows[6 * i + 4];
    labels[i] = rows[6 * i + 5];
  }
  return { boxes, scores, labels };
}
