import { nn, noGrad, type Tensor, tidy } from '@fovea/torch';
import { DetectionTransform, type DetectionTransformOptions, type ImageBatch } from './detection-transform.ts';
import type { ResNetFpn } from './resnet-fpn.ts';
import {
  checkAreas,
  checkTargets,
  type DetectionLosses,
  type Detections,
  type DetectionTarget,
  sizeOf,
} from './targets.ts';

/**
 * A network that finds boxes in images `[3, H, W]` (float in [0, 1], of any sizes). As a module it does what torchvision's do:
 * losses in training mode, detections in evaluation mode; `losses` and `detect` say which.
 */
export abstract class Detector extends nn.Module<
  [images: readonly Tensor[], targets?: readonly DetectionTarget[]],
  DetectionLosses | Detections[]
> {
  readonly transform: DetectionTransform;
  backbone;

  constructor(backbone: ResNetFpn, options: DetectionTransformOptions) {
    super();
    this.transform = new DetectionTransform(options);
    this.backbone = backbone;
  }

  /** Losses of a batch from its features. @param targets in pixels of the resized images */
  abstract lossesOf(
    batch: ImageBatch,
    features: readonly Tensor[],
    targets: readonly DetectionTarget[],
  ): DetectionLosses;

  /** Detections in a batch from its features, in pixels of the resized images. */
  abstract detectionsIn(batch: ImageBatch, features: readonly Tensor[]): Detections[];

  /** @throws TypeError in training mode without targets */
  forward(images: readonly Tensor[], targets?: readonly DetectionTarget[]): DetectionLosses | Detections[] {
    if (!this.training) return this.detect(images);
    if (!targets) throw new TypeError('a detector in training mode needs targets; eval() makes it detect');
    return this.losses(images, targets);
  }

  /**
   * The terms of the loss, each a mean over the batch; images without boxes count as background.
   *
   * @throws RangeError, TypeError that name the image whose target is malformed or has a box without area
   */
  losses(images: readonly Tensor[], targets: readonly DetectionTarget[]): DetectionLosses {
    checkTargets(images, targets);
    return tidy(() => {
      const { batch, targets: resized = [] } = this.transform.apply(images, { targets, training: true });
      checkAreas(resized);
      return this.lossesOf(batch, this.backbone.forward(batch.tensor), resized);
    });
  }

  /** What is in each image, in its own pixels, best first. No gradient is kept. */
  detect(images: readonly Tensor[]): Detections[] {
    return noGrad(() =>
      tidy(() => {
        const { batch } = this.transform.apply(images);
        return this.detectInBatch(batch).map((detections, image) => ({
          ...detections,
          boxes: this.transform.restoreBoxes(detections.boxes, batch.sizes[image], sizeOf(images[image])),
        }));
      }),
    );
  }

  /** The same in images that `transform` has resized and normalised, in pixels of these. */
  detectInBatch(batch: ImageBatch): Detections[] {
    return noGrad(() => tidy(() => this.detectionsIn(batch, this.backbone.forward(batch.tensor))));
  }
}
