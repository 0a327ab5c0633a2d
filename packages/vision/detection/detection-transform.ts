/** How images and their boxes come into a detector, and boxes out of it; torchvision's `GeneralizedRCNNTransform`. */
import { empty, ops, stack, type Tensor, tensor, tidy, zeros } from '@fovea/torch';
import { IMAGENET_MEAN, IMAGENET_STD } from '../imagenet.ts';
import type { Size } from '../transforms/index.ts';
import { detectionSize } from './resized-size.ts';
import { type DetectionTarget, sizeOf } from './targets.ts';

export interface DetectionTransformOptions {
  /** The shorter side gets this length in pixels; of several, training draws one for each image, and evaluation takes the last. */
  minSize?: number | readonly number[];
  /** Unless the longer side then exceeded this. */
  maxSize?: number;
  imageMean?: readonly number[];
  imageStd?: readonly number[];
  /** Both sides of a batch are padded with zeros to a multiple of this. */
  sizeDivisible?: number;
}

/** Images of different sizes in one tensor. */
export interface ImageBatch {
  /** `[N, 3, H, W]`, each image in the left top corner, zeros right of it and below. */
  tensor: Tensor;
  /** Of each image in it. */
  sizes: Size[];
}

export class DetectionTransform {
  readonly #minSizes: readonly number[];
  readonly #maxSize: number;
  readonly #mean: readonly number[];
  readonly #std: readonly number[];
  readonly #divisor: number;

  /** @throws RangeError for sizes that are not positive */
  constructor(options: DetectionTransformOptions = {}) {
    const {
      minSize = 800,
      maxSize = 1333,
      imageMean = IMAGENET_MEAN,
      imageStd = IMAGENET_STD,
      sizeDivisible = 32,
    } = options;
    this.#minSizes = typeof minSize === 'number' ? [minSize] : minSize;
    this.#maxSize = maxSize;
    this.#mean = imageMean;
    this.#std = imageStd;
    this.#divisor = sizeDivisible;
    if (this.#minSizes.length === 0 || ![...this.#minSizes, maxSize, sizeDivisible].every((size) => size > 0))
      throw new RangeError(
        `minSize ${minSize}, maxSize ${maxSize} and sizeDivisible ${sizeDivisible} have to be positive`,
      );
  }

  /**
   * Normalises, resizes (bilinear, masks nearest) and puts in a batch.
   *
   * @param images `[3, H, W]` each, float in [0, 1]
   * @param options.targets they are resized with their images
   * @param options.training draws one of the sizes for each image from libtorch's generator, also where there is only one
   * @throws TypeError, RangeError for an image of another kind
   */
  apply(
    images: readonly Tensor[],
    { targets, training = false }: { targets?: readonly DetectionTarget[]; training?: boolean } = {},
  ): { batch: ImageBatch; targets?: DetectionTarget[] } {
    if (images.length === 0) throw new RangeError('a detector needs at least one image');
    return tidy(() => {
      const made = images.map((image, index) => this.#one(image, index, training, targets?.[index]));
      const batch = this.#batch(made.map(({ image }) => image));
      return targets ? { batch, targets: made.flatMap(({ target }) => target ?? []) } : { batch };
    });
  }

  /** Boxes of resized images as boxes of the original ones: `[K, 4]` in pixels of either. */
  restoreBoxes(boxes: Tensor, resized: Size, original: Size): Tensor {
    return resizeBoxes(boxes, resized, original);
  }

  #one(
    image: Tensor,
    index: number,
    training: boolean,
    target?: DetectionTarget,
  ): { image: Tensor; target?: DetectionTarget } {
    if (image.ndim !== 3 || image.size(0) !== this.#mean.length)
      throw new RangeError(`image ${index} is [${image.shape}]; a detector takes [${this.#mean.length}, H, W]`);
    if (!image.dtype.includes('float'))
      throw new TypeError(`image ${index} is ${image.dtype}; a detector takes float numbers in [0, 1]`);
    const perChannel = (values: readonly number[]): Tensor =>
      tensor([...values], { dtype: image.dtype, device: image.device }).reshape([-1, 1, 1]);
    const normal = image.sub(perChannel(this.#mean)).div(perChannel(this.#std));
    const from = sizeOf(image);
    const to = this.#resizedSize(from, training);
    const resized = ops.upsampleBilinear2d(normal.unsqueeze(0), [to.height, to.width], false).squeeze(0);
    return { image: resized, target: target && resizeTarget(target, from, to) };
  }

  #resizedSize({ height, width }: Size, training: boolean): Size {
    const sizes = this.#minSizes;
    const drawn = training
      ? tidy(() => Math.floor(ops.uniform_(empty([1]), 0, sizes.length).item()))
      : sizes.length - 1;
    return detectionSize({ height, width }, sizes[drawn], this.#maxSize);
  }

  #batch(images: readonly Tensor[]): ImageBatch {
    const sizes = images.map(sizeOf);
    const padded = (side: keyof Size): number =>
      Math.ceil(Math.max(...sizes.map((size) => size[side])) / this.#divisor) * this.#divisor;
    const [{ dtype, device }] = images;
    const batch = zeros([images.length, images[0].size(0), padded('height'), padded('width')], { dtype, device });
    for (const [index, image] of images.entries()) {
      const { height, width } = sizes[index];
      batch.select(0, index).narrow(1, 0, height).narrow(2, 0, width).copy_(image);
    }
    return { tensor: batch, sizes };
  }
}

function resizeTarget({ boxes, labels, masks }: DetectionTarget, from: Size, to: Size): DetectionTarget {
  const resized = { boxes: resizeBoxes(boxes, from, to), labels };
  if (!masks) return resized;
  const bytes = masks.to({ dtype: 'uint8' }).unsqueeze(1);
  return { ...resized, masks: ops.upsampleNearest2d(bytes, [to.height, to.width]).squeeze(1) };
}

function resizeBoxes(boxes: Tensor, from: Size, to: Size): Tensor {
  const [x, y] = [Math.fround(to.width / from.width), Math.fround(to.height / from.height)];
  const [x1, y1, x2, y2] = [0, 1, 2, 3].map((column) => boxes.select(1, column));
  return stack([x1.mul(x), y1.mul(y), x2.mul(x), y2.mul(y)], 1);
}
