/** The training loss of YOLOv5. */
import { cat, nn, ops, type Tensor, tensor, zerosLike } from '@fovea/torch';
import { type Assignment, assignTargets } from './assign.ts';
import { pairwiseCompleteIou } from './complete-iou.ts';
import { BOX_CHANNELS } from './detect.ts';
import type { YoloV5Version } from './network.ts';

/** What each part counts in the sum. */
export interface YoloV5Gains {
  box: number;
  objectness: number;
  classes: number;
}

export interface YoloV5LossSettings {
  version: YoloV5Version;
  /** In units of cells, `[levels, anchors, 2]`: the network's. */
  anchors: Tensor;
  gains: YoloV5Gains;
  /** Most that a side of an anchor may differ from the box's, as a factor. Default 4. */
  anchorThreshold?: number;
  /** Share of the class target spread evenly, in [0, 1): the target is 1 − half of it, the others half. Default 0. */
  labelSmoothing?: number;
  /** How far the objectness of a box is its IoU and not 1, in [0, 1]. Default 1. */
  iouInObjectness?: number;
  /** Factors of the positive terms. Default 1. */
  positiveWeights?: { objectness: number; classes: number };
  /** Focal loss for objectness and classes where above 0. Default 0. */
  focalGamma?: number;
}

/** The parts are scalars, already multiplied by their gains. */
export interface YoloV5Loss {
  box: Tensor;
  objectness: Tensor;
  classes: Tensor;
  /** Their sum times the number of images. */
  total: Tensor;
}

/** What a network of 80 classes, three levels and images of 640 × 640 is trained with. */
export const YOLOV5_GAINS: YoloV5Gains = { box: 0.05, objectness: 1, classes: 0.5 };

/** Fine levels have more cells, so that each of theirs counts less; these weights make up for it. */
const OBJECTNESS_BALANCE = [4, 1, 0.4];

/**
 * Gains for a network: classes add up over more or fewer terms, and objectness over more or fewer cells.
 *
 * @param of.imageSize in pixels; of.levels is 3 for the networks here
 */
export function scaleYoloV5Gains(
  gains: YoloV5Gains,
  { classes, imageSize, levels = 3 }: { classes: number; imageSize: number; levels?: number },
): YoloV5Gains {
  const perLevel = 3 / levels;
  return {
    box: gains.box * perLevel,
    classes: gains.classes * (classes / 80) * perLevel,
    objectness: gains.objectness * (imageSize / 640) ** 2 * perLevel,
  };
}

/**
 * 1 − complete IoU of the boxes, and binary cross entropy of objectness and classes.
 *
 * @param raw the network's outputs of three levels, `[N, anchors, H, W, 5 + classes]`
 * @param targets `[T, 6]` float32: image, class, centre x, y, width, height, the latter four normalised to 0 … 1; T may be 0
 */
export function yolov5Loss(raw: readonly Tensor[], targets: Tensor, settings: YoloV5LossSettings): YoloV5Loss {
  const { version, anchors, gains, anchorThreshold = 4, iouInObjectness = 1, labelSmoothing = 0 } = settings;
  const { positiveWeights = { objectness: 1, classes: 1 }, focalGamma = 0 } = settings;
  const entropy = (logits: Tensor, target: Tensor, positiveWeight: number): Tensor =>
    binaryEntropy(logits.float(), target, positiveWeight, focalGamma);
  const sizes = raw.map(({ shape: [, , height, width] }) => ({ height, width }));
  const assignments = assignTargets(targets, anchors, sizes, anchorThreshold);

  const parts = raw.map((level, index) => {
    const assignment = assignments[index];
    const { image, anchor, row, column } = assignment;
    const logits = level.select(-1, 4).float();
    const objectness = zerosLike(logits.detach());
    const isEmpty = image.size(0) === 0;
    const chosen = isEmpty ? null : level.index(image, anchor, row, column).float();
    let box: Tensor | null = null;
    let classes: Tensor | null = null;
    if (chosen) {
      const iou = pairwiseCompleteIou(predictedBoxes(chosen, assignment), assignment.boxes, version);
      box = iou.neg().add(1).mean();
      const target = iou
        .detach()
        .clamp(0)
        .mul(iouInObjectness)
        .add(1 - iouInObjectness);
      ops.indexPut_(objectness, [image, anchor, row, column], target);
      const classLogits = chosen.slice(1, BOX_CHANNELS);
      // With one class there is nothing to tell apart.
      if (classLogits.size(1) > 1) {
        const smoothed = smoothedTarget(classLogits, assignment.classes, labelSmoothing);
        classes = entropy(classLogits, smoothed, positiveWeights.classes);
      }
    }
    return {
      box,
      classes,
      objectness: entropy(logits, objectness, positiveWeights.objectness).mul(OBJECTNESS_BALANCE[index]),
    };
  });

  const sum = (terms: readonly (Tensor | null)[], gain: number): Tensor => {
    const given = terms.filter((term) => term !== null);
    const total = given
      .slice(1)
      .reduce((all, term) => all.add(term), given[0] ?? tensor(0, { device: targets.device }));
    return total.mul(gain);
  };
  const box = sum(
    parts.map((part) => part.box),
    gains.box,
  );
  const objectness = sum(
    parts.map((part) => part.objectness),
    gains.objectness,
  );
  const classes = sum(
    parts.map((part) => part.classes),
    gains.classes,
  );
  return { box, objectness, classes, total: box.add(objectness).add(classes).mul(raw[0].size(0)) };
}

/** `[n, 5 + classes]` before the sigmoid → `[n, 4]` in units of cells, the centre from the cell's corner. */
function predictedBoxes(outputs: Tensor, { anchorSizes }: Assignment): Tensor {
  const centres = outputs.slice(1, 0, 2).sigmoid().mul(2).sub(0.5);
  const sizes = outputs.slice(1, 2, 4).sigmoid().mul(2).square().mul(anchorSizes);
  return cat([centres, sizes], 1);
}

/** https://arxiv.org/abs/1902.04103, section 3.2. */
function smoothedTarget(logits: Tensor, classes: Tensor, smoothing: number): Tensor {
  const target = ops.fullLike(logits.detach(), smoothing / 2);
  return ops.scatterValue_(target, 1, classes.unsqueeze(1), 1 - smoothing / 2);
}

/** Weight of positives in the focal loss; that of negatives is the rest. */
const FOCAL_ALPHA = 0.25;

/** Mean binary cross entropy; with gamma > 0 the focal loss (Lin et al. 2017, https://arxiv.org/abs/1708.02002). */
function binaryEntropy(logits: Tensor, target: Tensor, positiveWeight: number, gamma: number): Tensor {
  const posWeight = positiveWeight === 1 ? null : tensor([positiveWeight], { dtype: 'float32', device: logits.device });
  if (gamma <= 0) return nn.functional.binaryCrossEntropyWithLogits(logits, target, { posWeight });
  const each = nn.functional.binaryCrossEntropyWithLogits(logits, target, { posWeight, reduction: 'none' });
  const probability = logits.sigmoid();
  const inverse = (x: Tensor): Tensor => x.neg().add(1);
  const certainty = target.mul(probability).add(inverse(target).mul(inverse(probability)));
  const alpha = target.mul(FOCAL_ALPHA).add(inverse(target).mul(1 - FOCAL_ALPHA));
  return each.mul(alpha).mul(inverse(certainty).pow(gamma)).mean();
}
