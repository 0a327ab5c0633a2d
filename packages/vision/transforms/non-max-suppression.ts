/** Detections as plain numbers: for those who have no engine, or no need of one. */
export interface PlainDetections {
  /** Corners x1, y1, x2, y2 in pixels, four numbers for each box. */
  boxes: Float32Array;
  /** In [0, 1]. */
  scores: Float32Array;
  /** Index of the class. */
  labels: Int32Array;
}

/**
 * Indices of the boxes that no better one of their class covers, best first: the numbers that `batchedNms` of the engine gives, which
 * are torchvision's. Of equal scores the first box is the better one.
 *
 * @param iouThreshold a box goes when it overlaps a better one that stays by more than this, in [0, 1]
 * @param most so many stay at most
 */
export function plainNonMaxSuppression(
  { boxes, scores, labels }: PlainDetections,
  iouThreshold: number,
  most: number = scores.length,
): Uint32Array {
  const count = scores.length;
  const order = Uint32Array.from({ length: count }, (_, i) => i).sort((a, b) => scores[b] - scores[a]);
  // In single precision, as the engine has it, so that what lies at the threshold falls to the same side.
  const areas = new Float32Array(count);
  for (let i = 0; i < count; i++)
    areas[i] = Math.fround(boxes[4 * i + 2] - boxes[4 * i]) * Math.fround(boxes[4 * i + 3] - boxes[4 * i + 1]);
  const isCovered = new Uint8Array(count);
  const kept = new Uint32Array(Math.min(most, count));
  let keeps = 0;
  for (let place = 0; place < count && keeps < kept.length; place++) {
    const i = order[place];
    if (isCovered[i] === 1) continue;
    kept[keeps++] = i;
    const [x1, y1, x2, y2] = [boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2], boxes[4 * i + 3]];
    const area = areas[i];
    const label = labels[i];
    for (let other = place + 1; other < count; other++) {
      const k = order[other];
      if (labels[k] !== label || isCovered[k] === 1) continue;
      const at = 4 * k;
      const width = Math.fround(Math.min(x2, boxes[at + 2]) - Math.max(x1, boxes[at]));
      if (width <= 0) continue;
      const height = Math.fround(Math.min(y2, boxes[at + 3]) - Math.max(y1, boxes[at + 1]));
      if (height <= 0) continue;
      const intersection = Math.fround(width * height);
      const union = Math.fround(Math.fround(area + areas[k]) - intersection);
      if (Math.fround(intersection / union) > iouThreshold) isCovered[k] = 1;
    }
  }
  return kept.subarray(0, keeps);
}

/** The detections at some places, in their order. */
export function takeDetections({ boxes, scores, labels }: PlainDetections, places: Uint32Array): PlainDetections {
  const taken = {
    boxes: new Float32Array(4 * places.length),
    scores: new Float32Array(places.length),
    labels: new Int32Array(places.length),
  };
  for (let i = 0; i < places.length; i++) {
    const from = places[i];
    for (let c = 0; c < 4; c++) taken.boxes[4 * i + c] = boxes[4 * from + c];
    taken.scores[i] = scores[from];
    taken.labels[i] = labels[from];
  }
  return taken;
}
