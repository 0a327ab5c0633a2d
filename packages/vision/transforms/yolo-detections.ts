/** What the cells of YOLOv5 say, as boxes, for validation as for answers: without the engine. */
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
  /** Only these classes. All when not given. */
  only?: readonly number[];
  /** Default false: a box is suppressed by those of its class alone. True: by those of any class. */
  agnostic?: boolean;
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
 * @throws RangeError for a threshold outside of [0, 1]
 */
export function yoloDetections(decoded: Float32Array, classes: number, options: YoloDetectionOptions): PlainDetections {
  const { version = '6.2', scoreThreshold, iouThreshold, agnostic, maxDetections = MOST_YOLO_DETECTIONS } = options;
  for (const [name, value] of Object.entries({ scoreThreshold, iouThreshold }))
    if (!(value >= 0 && value <= 1)) throw new RangeError(`${name} is ${value}; it lies between 0 and 1`);
  const candidates = candidatesOf(decoded, classes, options);
  const { boxes, labels } = candidates;
  const apart = agnostic
    ? { ...candidates, labels: labels.map(() => 0) }
    : {
        ...candidates,
        boxes: boxes.map((corner, i) => corner + Math.fround(labels[i >> 2] * CLASS_DISTANCE[version])),
      };
  return takeDetections(candidates, plainNonMaxSuppression(apart, iouThreshold, maxDetections));
}

function candidatesOf(
  decoded: Float32Array,
  classes: number,
  { scoreThreshold, multiLabel: severalLabels = false, only }: YoloDetectionOptions,
): PlainDetections {
  const threshold = Math.fround(scoreThreshold);
  const multiLabel = severalLabels && classes > 1;
  const isWanted = (c: number) => only === undefined || only.includes(c);
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
      if (multiLabel && score > threshold && isWanted(c)) {
        places.push(at);
        labels.push(c);
        scores.push(score);
      }
      if (score > bestScore) [best, bestScore] = [c, score];
    }
    if (multiLabel || !(bestScore > threshold) || !isWanted(best)) continue;
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
