import { cat, noGrad, ops, type Tensor, tensor, zeros } from '@fovea/torch';
import { convertBoxes, nms } from '../ops/index.ts';
import { BOX_CHANNELS } from './detect.ts';
import type { YoloV5Version } from './network.ts';

export interface YoloV5DetectionOptions {
  /** Which version's distance between classes. Default '6.2'. */
  version?: YoloV5Version;
  /** What objectness, and objectness times class probability, must exceed, in [0, 1]. Default 0.25. */
  scoreThreshold?: number;
  /** Boxes of a better one's class go whose IoU with it exceeds this, in [0, 1]. Default 0.45. */
  iouThreshold?: number;
  /** Only these classes. All when not given. */
  classes?: readonly number[];
  /** Default false. True: a box can be suppressed by one of any class. */
  agnostic?: boolean;
  /** Default false: a box has its most probable class. True: it stands for every class that exceeds the threshold. */
  multiLabel?: boolean;
  /** Most boxes of an image, best first. Default 300. */
  maxDetections?: number;
}

/** Most boxes that are compared with each other; the best ones. */
const MAX_CANDIDATES = 30_000;

/** Pixels that boxes of one class lie away from those of the next, so that one suppression serves all: larger than any image. */
const CLASS_DISTANCE: Readonly<Record<YoloV5Version, number>> = { '5.0': 4096, '6.2': 7680 };

/**
 * Detections among the decoded outputs of YOLOv5.
 *
 * @param decoded `[N, boxes, 5 + classes]`: centre x, y, width, height in pixels, objectness, class probabilities
 * @returns for each image `[n, 6]`: corners x1, y1, x2, y2 in pixels, score, class; best first
 * @throws RangeError for a threshold outside of [0, 1]
 */
export function yolov5Detections(decoded: Tensor, options: YoloV5DetectionOptions = {}): Tensor[] {
  const { scoreThreshold = 0.25, iouThreshold = 0.45 } = options;
  for (const [name, value] of Object.entries({ scoreThreshold, iouThreshold })) {
    if (!(value >= 0 && value <= 1)) throw new RangeError(`${name} is ${value}; it lies between 0 and 1`);
  }
  return noGrad(() =>
    Array.from({ length: decoded.size(0) }, (_, image) => ofImage(decoded.select(0, image), options)),
  );
}

function ofImage(boxes: Tensor, options: YoloV5DetectionOptions): Tensor {
  const { version = '6.2', scoreThreshold = 0.25, iouThreshold = 0.45 } = options;
  const { agnostic = false, maxDetections = 300 } = options;
  const likely = boxes.index(boxes.select(1, 4).gt(scoreThreshold));
  let found = ofClasses(scored(likely, scoreThreshold, options.multiLabel ?? false), options.classes);
  if (found.size(0) === 0) return zeros([0, 6], { dtype: boxes.dtype, device: boxes.device });
  if (found.size(0) > MAX_CANDIDATES) {
    const best = ops.argsort(found.select(1, 4), -1, true).slice(0, 0, MAX_CANDIDATES);
    found = found.indexSelect(0, best);
  }
  const apart = found.slice(1, 0, 4).add(found.slice(1, 5, 6).mul(agnostic ? 0 : CLASS_DISTANCE[version]));
  const kept = nms(apart, found.select(1, 4), iouThreshold).slice(0, 0, maxDetections);
  return found.indexSelect(0, kept);
}

/** `[n, 5 + classes]` → `[m, 6]`: corners, score, class, of what exceeds the threshold. */
function scored(boxes: Tensor, threshold: number, multiLabel: boolean): Tensor {
  const corners = convertBoxes(boxes.slice(1, 0, 4), 'cxcywh', 'xyxy');
  const scores = boxes.slice(1, BOX_CHANNELS).mul(boxes.slice(1, 4, 5));
  const { dtype } = boxes;
  if (multiLabel && scores.size(1) > 1) {
    const isOver = scores.gt(threshold);
    const [box, category] = ops.nonzero(isOver).split(1, 1);
    const columns = [corners.indexSelect(0, box.squeeze(1)), scores.index(isOver).unsqueeze(1), category.to({ dtype })];
    return cat(columns, 1);
  }
  const [score, category] = scores.maxDim(1, true);
  return cat([corners, score, category.to({ dtype })], 1).index(score.squeeze(1).gt(threshold));
}

function ofClasses(found: Tensor, classes: readonly number[] | undefined): Tensor {
  if (classes === undefined) return found;
  const wanted = tensor(classes, { dtype: found.dtype, device: found.device });
  return found.index(ops.amax(found.slice(1, 5, 6).eq(wanted).to({ dtype: 'uint8' }), 1).gt(0));
}
