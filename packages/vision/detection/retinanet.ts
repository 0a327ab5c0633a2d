/**
 * RetinaNet: one stage, and a loss under which the many easy negatives do not drown the rest. Lin et al. 2017,
 * https://arxiv.org/abs/1708.02002. Names, defaults and numbers are torchvision's.
 */
import { cat, noGrad, ops, type Tensor, tensor, tidy, zeros } from '@fovea/torch';
import type { ResNetName } from '../models/resnet.ts';
import { batchedNms, boxIou, clipBoxes } from '../ops/index.ts';
import type { Size } from '../transforms/index.ts';
import { type AnchorShapes, anchorsOf, anchorsPerCell, gridOf } from './anchors.ts';
import { decodeBoxes } from './box-coder.ts';
import type { DetectionTransformOptions, ImageBatch } from './detection-transform.ts';
import { Detector } from './detector.ts';
import { LastLevelP6P7 } from './feature-pyramid.ts';
import { BELOW_LOW_THRESHOLD, matchBoxes } from './matcher.ts';
import { ResNetFpn, type ResNetFpnOptions } from './resnet-fpn.ts';
import { RETINANET_WEIGHTS, RetinaNetHead, type RetinaNetOutput, retinaNetLosses } from './retinanet-head.ts';
import type { DetectionLosses, Detections, DetectionTarget } from './targets.ts';

/** torchvision's arguments of `RetinaNet` in camelCase. */
export interface RetinaNetOptions extends DetectionTransformOptions, ResNetFpnOptions {
  /** Least score of a detection. */
  scoreThresh?: number;
  nmsThresh?: number;
  detectionsPerImg?: number;
  /** An anchor that overlaps a true box so much (IoU) is a positive example … */
  fgIouThresh?: number;
  /** … and so little a negative one; those between do not count. */
  bgIouThresh?: number;
  /** Of each level this many candidates reach the suppression. */
  topkCandidates?: number;
}

/** Three sizes in each octave. */
const ANCHORS: AnchorShapes = {
  sizes: [32, 64, 128, 256, 512].map((side) => [
    side,
    Math.floor(side * 2 ** (1 / 3)),
    Math.floor(side * 2 ** (2 / 3)),
  ]),
  aspectRatios: [0.5, 1, 2],
};

/** Losses `classification` and `boxRegression`. */
export class RetinaNet extends Detector {
  head;
  readonly #options;

  /** @param classes labels are 0 … classes − 1; torchvision's weights for COCO leave class 0 unused */
  constructor(backbone: ResNetFpn, classes: number, options: RetinaNetOptions = {}) {
    super(backbone, options);
    this.head = new RetinaNetHead(backbone.outChannels, anchorsPerCell(ANCHORS), classes);
    this.#options = {
      scoreThresh: options.scoreThresh ?? 0.05,
      nmsThresh: options.nmsThresh ?? 0.5,
      detectionsPerImg: options.detectionsPerImg ?? 300,
      fgIouThresh: options.fgIouThresh ?? 0.5,
      bgIouThresh: options.bgIouThresh ?? 0.4,
      topkCandidates: options.topkCandidates ?? 1000,
    };
  }

  /** What decides about detections, for those who compute them elsewhere. */
  get inference() {
    const { scoreThresh, nmsThresh, detectionsPerImg, topkCandidates } = this.#options;
    return { scoreThresh, nmsThresh, detectionsPerImg, topkCandidates, anchors: ANCHORS, weights: RETINANET_WEIGHTS };
  }

  /** The same for every image, `[A, 4]`. */
  anchors({ tensor: { shape, device } }: ImageBatch, features: readonly Tensor[]): Tensor {
    return anchorsOf(ANCHORS, { height: shape[2], width: shape[3] }, features.map(gridOf), device);
  }

  /** For each anchor the true box that it has to find, int64 `[A]`, or a code below 0 as in the matcher. */
  assign(anchors: Tensor, { boxes }: DetectionTarget): Tensor {
    const { fgIouThresh: high, bgIouThresh: low } = this.#options;
    if (boxes.size(0) === 0) {
      const none = zeros([anchors.size(0)], { dtype: 'int64', device: anchors.device });
      return none.fill_(BELOW_LOW_THRESHOLD);
    }
    return tidy(() => matchBoxes(boxIou(boxes, anchors), { high, low, allowLowQualityMatches: true }));
  }

  lossesOf(batch: ImageBatch, features: readonly Tensor[], targets: readonly DetectionTarget[]): DetectionLosses {
    const anchors = this.anchors(batch, features);
    const matches = noGrad(() => targets.map((target) => this.assign(anchors, target)));
    return retinaNetLosses(this.head.forward(features), anchors, targets, matches);
  }

  detectionsIn(batch: ImageBatch, features: readonly Tensor[]): Detections[] {
    const anchors = this.anchors(batch, features);
    const output = this.head.forward(features);
    const perCell = anchorsPerCell(ANCHORS);
    const perLevel = features.map((level) => level.size(2) * level.size(3) * perCell);
    return batch.sizes.map((size, image) => tidy(() => this.#detections(output, anchors, perLevel, image, size)));
  }

  #detections(
    output: RetinaNetOutput,
    anchors: Tensor,
    perLevel: readonly number[],
    image: number,
    size: Size,
  ): Detections {
    const { scoreThresh, nmsThresh, detectionsPerImg, topkCandidates } = this.#options;
    const logits = ops.splitWithSizes(output.logits.select(0, image), perLevel);
    const codes = ops.splitWithSizes(output.codes.select(0, image), perLevel);
    const references = ops.splitWithSizes(anchors, perLevel);
    const classes = tensor(output.logits.size(2), { dtype: 'int64', device: anchors.device });
    const found = perLevel.map((_, level) => {
      const all = logits[level].sigmoid().flatten();
      const probable = ops.nonzero(all.gt(scoreThresh)).squeeze(1);
      const [scores, order] = all.indexSelect(0, probable).topk(Math.min(topkCandidates, probable.size(0)));
      const best = probable.indexSelect(0, order);
      const rows = ops.floorDivide(best, classes);
      const boxes = decodeBoxes(
        codes[level].indexSelect(0, rows),
        references[level].indexSelect(0, rows),
        RETINANET_WEIGHTS,
      );
      return { boxes: clipBoxes(boxes, size), scores, labels: best.sub(rows.mul(classes)) };
    });
    const boxes = cat(found.map((level) => level.boxes));
    const scores = cat(found.map((level) => level.scores));
    const labels = cat(found.map((level) => level.labels));
    const kept = batchedNms(boxes, scores, labels, nmsThresh).slice(0, 0, detectionsPerImg);
    return {
      boxes: boxes.indexSelect(0, kept),
      labels: labels.indexSelect(0, kept),
      scores: scores.indexSelect(0, kept),
    };
  }
}

/**
 * torchvision's `retinanet_<backbone>_fpn`.
 *
 * @param options.classes labels are 0 … classes − 1
 */
export function retinaNet(options: RetinaNetOptions & { backbone: ResNetName; classes: number }): RetinaNet {
  const extraLevels = new LastLevelP6P7(256, 256);
  return new RetinaNet(
    new ResNetFpn(options.backbone, { ...options, firstStage: 2, extraLevels }),
    options.classes,
    options,
  );
}
