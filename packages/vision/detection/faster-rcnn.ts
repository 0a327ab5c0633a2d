/**
 * Faster R-CNN: proposals, then what is in them. Ren et al. 2015, https://arxiv.org/abs/1506.01497; on a feature pyramid,
 * Lin et al. 2016, https://arxiv.org/abs/1612.03144. Names, defaults and numbers are torchvision's.
 */
import type { Tensor } from '@fovea/torch';
import type { ResNetName } from '../models/resnet.ts';
import type { AnchorShapes } from './anchors.ts';
import type { BoxWeights } from './box-coder.ts';
import type { DetectionTransformOptions, ImageBatch } from './detection-transform.ts';
import { Detector } from './detector.ts';
import { RegionProposalNetwork } from './region-proposals.ts';
import { ResNetFpn, type ResNetFpnOptions } from './resnet-fpn.ts';
import { type RoiHeadOptions, RoiHeads } from './roi-heads.ts';
import type { DetectionLosses, Detections, DetectionTarget } from './targets.ts';

/** torchvision's arguments of `FasterRCNN` in camelCase. */
export interface FasterRcnnOptions extends DetectionTransformOptions, ResNetFpnOptions {
  /** Of each level this many proposals reach the suppression. */
  rpnPreNmsTopNTrain?: number;
  rpnPreNmsTopNTest?: number;
  /** Of each image this many proposals leave it. */
  rpnPostNmsTopNTrain?: number;
  rpnPostNmsTopNTest?: number;
  /** Proposals that overlap a better one by more than this are dropped. */
  rpnNmsThresh?: number;
  /** An anchor that overlaps a true box so much (IoU) is a positive example … */
  rpnFgIouThresh?: number;
  /** … and so little a negative one; those between do not count. */
  rpnBgIouThresh?: number;
  rpnBatchSizePerImage?: number;
  rpnPositiveFraction?: number;
  /** Least objectness of a proposal. */
  rpnScoreThresh?: number;
  /** Least score of a detection. */
  boxScoreThresh?: number;
  boxNmsThresh?: number;
  boxDetectionsPerImg?: number;
  boxFgIouThresh?: number;
  boxBgIouThresh?: number;
  boxBatchSizePerImage?: number;
  boxPositiveFraction?: number;
  bboxRegWeights?: BoxWeights;
}

const ANCHORS: AnchorShapes = { sizes: [[32], [64], [128], [256], [512]], aspectRatios: [0.5, 1, 2] };

/** Losses `classifier`, `boxRegression`, `objectness`, `rpnBoxRegression`. */
export class FasterRcnn extends Detector {
  rpn;
  roi_heads: RoiHeads;

  /**
   * @param classes with the background, which is class 0
   * @param makeHeads the second stage, where it has to do more
   */
  constructor(
    backbone: ResNetFpn,
    classes: number,
    options: FasterRcnnOptions = {},
    makeHeads: (channels: number, options: RoiHeadOptions) => RoiHeads = (channels, its) =>
      new RoiHeads(channels, classes, its),
  ) {
    super(backbone, options);
    this.rpn = new RegionProposalNetwork(backbone.outChannels, {
      anchors: ANCHORS,
      fgIouThresh: options.rpnFgIouThresh ?? 0.7,
      bgIouThresh: options.rpnBgIouThresh ?? 0.3,
      batchSizePerImage: options.rpnBatchSizePerImage ?? 256,
      positiveFraction: options.rpnPositiveFraction ?? 0.5,
      nmsThresh: options.rpnNmsThresh ?? 0.7,
      scoreThresh: options.rpnScoreThresh ?? 0,
      training: { preNmsTopN: options.rpnPreNmsTopNTrain ?? 2000, postNmsTopN: options.rpnPostNmsTopNTrain ?? 2000 },
      evaluation: { preNmsTopN: options.rpnPreNmsTopNTest ?? 1000, postNmsTopN: options.rpnPostNmsTopNTest ?? 1000 },
    });
    this.roi_heads = makeHeads(backbone.outChannels, {
      fgIouThresh: options.boxFgIouThresh ?? 0.5,
      bgIouThresh: options.boxBgIouThresh ?? 0.5,
      batchSizePerImage: options.boxBatchSizePerImage ?? 512,
      positiveFraction: options.boxPositiveFraction ?? 0.25,
      regressionWeights: options.bboxRegWeights ?? [10, 10, 5, 5],
      scoreThresh: options.boxScoreThresh ?? 0.05,
      nmsThresh: options.boxNmsThresh ?? 0.5,
      detectionsPerImg: options.boxDetectionsPerImg ?? 100,
    });
  }

  lossesOf(batch: ImageBatch, features: readonly Tensor[], targets: readonly DetectionTarget[]): DetectionLosses {
    const { proposals, losses } = this.rpn.forward(batch, features, targets);
    const samples = this.roi_heads.sample(proposals, targets);
    return { ...this.roi_heads.losses(pooledLevels(features), samples, batch.sizes), ...losses };
  }

  detectionsIn(batch: ImageBatch, features: readonly Tensor[]): Detections[] {
    const { proposals } = this.rpn.forward(batch, features);
    return this.roi_heads.detect(pooledLevels(features), proposals, batch.sizes);
  }
}

/** Regions are looked up in all levels but the pooled one, which only serves anchors. */
export const pooledLevels = (features: readonly Tensor[]): readonly Tensor[] => features.slice(0, -1);

/**
 * torchvision's `fasterrcnn_<backbone>_fpn`.
 *
 * ```ts
 * const model = fasterRcnn({ backbone: 'resnet50', classes: 91 });
 * const losses = model.losses(images, [{ boxes, labels }]);
 * const [{ boxes, labels, scores }] = model.eval().detect(images);
 * ```
 * @param options.classes with the background, which is class 0
 */
export function fasterRcnn(options: FasterRcnnOptions & { backbone: ResNetName; classes: number }): FasterRcnn {
  return new FasterRcnn(new ResNetFpn(options.backbone, options), options.classes, options);
}
