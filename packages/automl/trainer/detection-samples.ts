import {
  type BoxedImage,
  type DetectionSample,
  mixSeeds,
  multiScaleSize,
  rcnnTrainingSample,
  rcnnValidationSample,
  torchRandom,
  yolov5TrainingSample,
  yolov5ValidationSample,
} from '@fovea/vision';
import type { Hyperparameters } from '../spec/resolve-hyperparameters.ts';

export type DetectionSampleSettings = Pick<
  Hyperparameters<'image_object_detection'>,
  'min_size' | 'max_size' | 'image_size' | 'multi_scale' | 'advanced_settings'
>;

/** How the images of a detection job are shown to its model. */
export interface DetectionSamples {
  /**
   * A training image, changed by chance.
   * @param index of the image among all training images: a mosaic takes others from there
   * @param place what is drawn depends on these alone
   */
  training(images: readonly BoxedImage[], index: number, place: SamplePlace): DetectionSample;
  /** The whole image, as a served model sees it. */
  validation(image: BoxedImage): DetectionSample;
}

/** Where in a training an image is shown. */
export interface SamplePlace {
  readonly seed: number;
  readonly epoch: number;
  /** Of its batch in the epoch: with `multi_scale` all images of one batch have one size. */
  readonly batch: number;
  /** Of the image in the epoch. */
  readonly position: number;
}

/** Marks the seed of a batch's size, so that it has nothing to do with what is drawn for an image. */
const BATCH_SIZE_SEED = 0x5ca1e;

/**
 * How a detector wants its images: YOLOv5 as squares of `image_size`, in training mosaics and random maps; the others resized by
 * `min_size` and `max_size`, in training cut around boxes, expanded and mirrored. `advanced_settings` switches these off.
 */
export function detectionSamples(
  model: string,
  { min_size, max_size, image_size, multi_scale, advanced_settings: flags }: DetectionSampleSettings,
): DetectionSamples {
  const augment = flags.apply_automl_train_augmentations;
  if (model !== 'yolov5') {
    const sizes = { minSize: given(min_size), maxSize: given(max_size) };
    return {
      training: (images, index, { seed, epoch, position }) =>
        rcnnTrainingSample(images[index], { ...sizes, augment }, torchRandom(mixSeeds(seed, epoch, position))),
      validation: (image) => rcnnValidationSample(image, sizes),
    };
  }
  const usual = given(image_size);
  const mosaic = flags.apply_mosaic_for_yolo;
  const affine = augment ? {} : { affine: null };
  const sizeOf = ({ seed, epoch, batch }: SamplePlace): number =>
    multi_scale ? multiScaleSize(usual, torchRandom(mixSeeds(seed, epoch, batch, BATCH_SIZE_SEED))) : usual;
  return {
    training(images, index, place) {
      const random = torchRandom(mixSeeds(place.seed, place.epoch, place.position));
      const options = { size: sizeOf(place), mosaic, ...affine, fixedSize: !multi_scale };
      return yolov5TrainingSample(index, images, options, random);
    },
    validation: (image) => yolov5ValidationSample(image, usual),
  };
}

function given(size: number | undefined): number {
  if (size === undefined) throw new RangeError('the hyperparameters are those of another model');
  return size;
}
