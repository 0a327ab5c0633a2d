/**
 * Mask R-CNN: Faster R-CNN that also says which pixels of a box are the object's. He et al. 2017, https://arxiv.org/abs/1703.06870.
 * Names, defaults and numbers are torchvision's.
 */
import type { Tensor } from '@fovea/torch';
import type { ResNetName } from '../models/resnet.ts';
import type { ImageBatch } from './detection-transform.ts';
import { FasterRcnn, type FasterRcnnOptions, pooledLevels } from './faster-rcnn.ts';
import { MaskHead, MaskPredictor } from './mask-head.ts';
import { MaskRoiHeads } from './mask-roi-heads.ts';
import { ResNetFpn } from './resnet-fpn.ts';
import type { DetectionLosses, DetectionTarget } from './targets.ts';

/** The losses of Faster R-CNN and `mask`. Detections carry `masks`; `masksOnImage` puts them on the image. */
export class MaskRcnn extends FasterRcnn {
  declare roi_heads: MaskRoiHeads;

  /** @param classes with the background, which is class 0 */
  constructor(backbone: ResNetFpn, classes: number, options: FasterRcnnOptions = {}) {
    // Drawn first, as in torchvision, so that the same seed gives the same network.
    const masks = { head: new MaskHead(backbone.outChannels), predictor: new MaskPredictor(classes) };
    super(backbone, classes, options, (channels, settings) => new MaskRoiHeads(channels, classes, settings, masks));
  }

  /** @throws RangeError for an image with boxes and without masks */
  override lossesOf(
    batch: ImageBatch,
    features: readonly Tensor[],
    targets: readonly DetectionTarget[],
  ): DetectionLosses {
    checkMasks(targets);
    const { proposals, losses } = this.rpn.forward(batch, features, targets);
    const samples = this.roi_heads.sample(proposals, targets);
    // Both heads look at the features in float32.
    const levels = pooledLevels(features).map((level) => level.float());
    return {
      ...this.roi_heads.losses(levels, samples, batch.sizes),
      mask: this.roi_heads.maskLoss(levels, samples, targets, batch.sizes),
      ...losses,
    };
  }
}

function checkMasks(targets: readonly DetectionTarget[]): void {
  for (const [image, { boxes, masks }] of targets.entries()) {
    const count = boxes.size(0);
    if (count === 0) continue;
    const where = `target of image ${image}`;
    if (!masks)
      throw new RangeError(`${where}: ${count} boxes without masks; Mask R-CNN learns from masks [${count}, H, W]`);
    if (masks.ndim !== 3 || masks.size(0) !== count)
      throw new RangeError(`${where}: ${count} boxes need masks [${count}, H, W], got [${masks.shape}]`);
  }
}

/**
 * torchvision's `maskrcnn_<backbone>_fpn`.
 *
 * ```ts
 * const model = maskRcnn({ backbone: 'resnet50', classes: 91 });
 * const losses = model.losses([image], [{ boxes, labels, masks }]);
 * const [found] = model.eval().detect([image]);
 * const onImage = masksOnImage(found.masks, found.boxes, { height: image.size(1), width: image.size(2) });
 * ```
 * @param options.classes with the background, which is class 0
 */
export function maskRcnn(options: FasterRcnnOptions & { backbone: ResNetName; classes: number }): MaskRcnn {
  return new MaskRcnn(new ResNetFpn(options.backbone, options), options.classes, options);
}
