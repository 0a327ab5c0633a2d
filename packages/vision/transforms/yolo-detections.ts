/** What the cells of YOLOv5 say, as boxes: the numbers of `yolov5Detections` and `boxesOnOriginal`, without the engine. */
import type { Size } from './geometry.ts';
import type { Letterbox } from './letterbox.ts';
import { type PlainDetections, plainNonMaxSuppression, takeDetections } from './non-max-suppression.ts';

export interface YoloDetectionOptions {
  /** Which version's distance between classes. Default '6.2'. */
  version?: '5.0' | '6.2';
  /** What objectness, and objectness times class probability, must exceed, in [0, 1]. */
  scoreThreshold: number;
  /** Boxes of a better one's class go whose IoU with it exceeds this, in [0, 1]. */
  iouThreshold: number;
  /** Default false: a box has its most probable class. True: it stands for every class that exceeds the threshold. */
  multiLabel?: boolean;
  /** Most boxes of an image. Default `MOST_YOLO_DETECTIONS`. */
  maxDetections?: number;
}

/** YOLOv5 answers with so many boxes at most. */
export const MOST_YOLO_DETECTIONS = 300;
/** Centre, size and objectness stand before the classes. */
const BOX_CHANNELS = 5;
/** Most boxes that are compared with each other; the best ones. */
const MAX_CANDIDATES = 30_000;
/** Pixels by which YOLOv5 moves the boxes of a class away from those of the next: it rounds their corners. */
const CLASS_DISTANCE = { '5.0': 4096, '6.2': 7680 } as const;

/**
 * Detections of one image among decoded outputs.
 *
 * @param decoded `[cells, 5 + classes]`: centre x, y, width, height in pixels, objectness, class probabilities
 * @returns corners in pixels of the network's input, best first
 */
export function yoloDetections(
  decoded: Float32Array,
  classes: number,
  {
    version = '6.2',
    scoreThreshold,
    iouThreshold,
    multiLabel = false,
    maxDetections = MOST_YOLO_DETECTIONS,
  }: YoloDetectionOptions,
): PlainDetections {
  const candidates = candidatesOf(decoded, classes, Math.fround(scoreThreshold), multiLabel && classes > 1);
  const { boxes, labels } = candidates;
  const apart = boxes.map((corner, i) => corner + Math.fround(labels[i >> 2] * CLASS_DISTANCE[version]));
  const kept = plainNonMaxSuppression({ ...candidates, boxes: apart }, iouThreshold, maxDetections);
  return takeDetections(candidates, kept);
}

function candidatesOf(decoded: Float32Array, classes: number, threshold: number, multiLabel: boolean): PlainDetections {
  const channels = BOX_CHANNELS + classes;
  const places: number[] = [];
  const labels: number[] = [];
  const scores: number[] = [];
  for (let at = 0; at < decoded.length; at += channels) {
    const objectness = decoded[at + 4];
    if (!(objectness > threshold)) continue;
    let best = -1;
    let bestScore = -1;
    for (let c = 0; c < classes; c++) {
      const score = Math.fround(decoded[at + BOX_CHANNELS + c] * objectness);
      if (multiLabel && score > threshold) {
        places.push(at);
        labels.push(c);
        scores.push(score);
      }
      if (score > bestScore) [best, bestScore] = [c, score];
    }
    if (multiLabel || !(bestScore > threshold)) continue;
    places.push(at);
    labels.push(best);
    scores.push(bestScore);
  }
  const boxes = new Float32Array(4 * places.length);
  for (const [i, at] of places.entries()) {
    const [x, y, halfWidth, halfHeight] = [decoded[at], decoded[at + 1], decoded[at + 2] / 2, decoded[at + 3] / 2];
    boxes[4 * i] = x - halfWidth;
    boxes[4 * i + 1] = y - halfHeight;
    boxes[4 * i + 2] = x + halfWidth;
    boxes[4 * i + 3] = y + halfHeight;
  }
  const all = { boxes, scores: Float32Array.from(scores), labels: Int32Array.from(labels) };
  if (scores.length <= MAX_CANDIDATES) return all;
  const order = Uint32Array.from(scores, (_, i) => i).sort((a, b) => scores[b] - scores[a]);
  return takeDetections(all, order.subarray(0, MAX_CANDIDATES));
}

/** Boxes on a letterbox canvas, back on the original image and clipped to it, in place. Padding is taken before it was rounded. */
export function undoLetterbox(
  { boxes }: Pick<PlainDetections, 'boxes'>,
  { width, height }: Size,
  { padding, ratioX, ratioY }: Pick<Letterbox, 'padding' | 'ratioX' | 'ratioY'>,
): void {
  const offsets = [padding.x, padding.y].map(Math.fround);
  const ratios = [ratioX, ratioY].map(Math.fround);
  const ends = [width, height];
  for (let i = 0; i < boxes.length; i++) {
    const axis = i & 1;
    const value = Math.fround(boxes[i] - offsets[axis]) / ratios[axis];
    boxes[i] = Math.min(Math.max(value, 0), ends[axis]);
  }
}
