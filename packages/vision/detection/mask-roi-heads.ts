import { arange, cat, nn, noGrad, ops, type Tensor, tidy } from '@fovea/torch';
import type { Size } from '../transforms/index.ts';
import type { MaskHead, MaskPredictor } from './mask-head.ts';
import { cropMasks } from './mask-targets.ts';
import { poolRegions, type RoiHeadOptions, RoiHeads, type RoiSamples } from './roi-heads.ts';
import type { Detections, DetectionTarget } from './targets.ts';

const MASK_POOL = { size: [14, 14], samplingRatio: 2 } as const;

/** What is in each proposal, and its shape. */
export class MaskRoiHeads extends RoiHeads {
  mask_head;
  mask_predictor;

  constructor(
    channels: number,
    classes: number,
    options: RoiHeadOptions,
    masks: { head: MaskHead; predictor: MaskPredictor },
  ) {
    super(channels, classes, options);
    this.mask_head = masks.head;
    this.mask_predictor = masks.predictor;
  }

  override get inference() {
    return { ...super.inference, maskPool: MASK_POOL };
  }

  /** What the mask head looks at, `[ΣK_i, C, 14, 14]`. @param boxes for each image `[K_i, 4]`, in pixels of the resized images */
  poolMaskRegions(features: readonly Tensor[], boxes: readonly Tensor[], sizes: readonly Size[]): Tensor {
    return poolRegions(features, boxes, sizes, MASK_POOL);
  }

  /** Logits of the masks of every class: `[R, C, 14, 14]` → `[R, classes, 28, 28]`. */
  maskLogits(regions: Tensor): Tensor {
    const logits = (x: Tensor): Tensor => this.mask_predictor.forward(this.mask_head.forward(x));
    return tidy(() => {
      if (regions.size(0) > 0) return logits(regions);
      // libtorch has no convolution of nothing where its weights are in channels_last order.
      return logits(ops.constantPadNd(regions, [0, 0, 0, 0, 0, 0, 0, 1])).narrow(0, 0, 0);
    });
  }

  /** Detections in pixels of the resized images, each with the mask of its class. */
  override detect(features: readonly Tensor[], proposals: readonly Tensor[], sizes: readonly Size[]): Detections[] {
    return noGrad(() =>
      tidy(() => {
        const found = super.detect(features, proposals, sizes);
        const boxes = found.map((detections) => detections.boxes);
        const logits = this.maskLogits(this.poolMaskRegions(features, boxes, sizes));
        const masks = ofClass(logits, cat(found.map(({ labels }) => labels)))
          .float()
          .sigmoid();
        const ofImages = ops.splitWithSizes(
          masks,
          boxes.map((its) => its.size(0)),
        );
        return found.map((detections, image) => ({ ...detections, masks: ofImages[image] }));
      }),
    );
  }

  /**
   * Binary cross entropy of the mask of the true class, over the objects among the samples.
   *
   * @param samples what `sample` chose
   * @param targets with masks in the size of the resized images
   */
  maskLoss(
    features: readonly Tensor[],
    samples: RoiSamples,
    targets: readonly DetectionTarget[],
    sizes: readonly Size[],
  ): Tensor {
    return tidy(() => {
      const objects = samples.labels.map((labels) => ops.nonzero(labels.gt(0)).squeeze(1));
      const chosen = (values: readonly Tensor[]): Tensor[] =>
        values.map((ofImage, image) => ofImage.indexSelect(0, objects[image]));
      const boxes = chosen(samples.proposals);
      const labels = cat(chosen(samples.labels));
      const all = this.maskLogits(this.poolMaskRegions(features, boxes, sizes));
      const logits = ofClass(all, labels).float();
      // A mean over nothing is no number; the sum ties the loss to the parameters all the same.
      if (labels.size(0) === 0) return logits.sum().mul(0);
      const matches = chosen(samples.matches);
      const side = logits.size(-1);
      const wanted = targets.flatMap(({ masks }, image) =>
        masks && boxes[image].size(0) > 0 ? [cropMasks(masks, boxes[image], matches[image], side)] : [],
      );
      return nn.functional.binaryCrossEntropyWithLogits(logits, cat(wanted));
    });
  }
}

/** Of each region the channel of one class: `[R, C, h, w]` and int64 `[R]` → `[R, h, w]`. */
const ofClass = (x: Tensor, labels: Tensor): Tensor =>
  x.index(arange(0, x.size(0), 1, { dtype: 'int64', device: x.device }), labels);
