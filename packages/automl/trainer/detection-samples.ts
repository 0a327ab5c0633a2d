import {
  type BoxedImage,
  type DetectionSample,
  MOST_YOLO_DETECTIONS,
  mergeDetections,
  mixSeeds,
  multiScaleSize,
  type PlainDetections,
  partsOf,
  rcnnTrainingSample,
  rcnnValidationSample,
  readTileGrid,
  type TileGrid,
  torchRandom,
  yolov5TrainingSample,
  yolov5ValidationSample,
} from '@fovea/vision';
import type { DetectorHyperparameters } from './detector-hyperparameters.ts';

export type DetectionSampleSettings = Pick<
  DetectorHyperparameters,
  'min_size' | 'max_size' | 'image_size' | 'multi_scale' | 'advanced_settings'
> &
  Partial<TileSettings>;

/** What a job settles of tiles. */
type TileSettings = Pick<
  DetectorHyperparameters,
  'tile_grid_size' | 'tile_overlap_ratio' | 'tile_predictions_nms_threshold' | 'box_detections_per_image'
>;

/** How the images of a detection job are shown to its model. */
export interface DetectionSamples {
  /**
   * What of an image is shown: the whole of it and, where the job asks for tiles, each of them as an image of its own. Tiles without
   * boxes are among them, as images without boxes are: a served model looks at such tiles too, and should find nothing there.
   */
  parts(image: BoxedImage): BoxedImage[];
  /**
   * What was found in the parts of an image, as one answer for the whole.
   * @param parts as `parts` gives them
   * @param found in each, in pixels of the part
   */
  merged(parts: readonly BoxedImage[], found: readonly PlainDetections[]): PlainDetections;
  /**
   * A training image, changed by chance.
   * @param images all parts of all training images
   * @param index of the image among them: a mosaic takes others from there
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
  { min_size, max_size, image_size, multi_scale, advanced_settings: flags, ...tiles }: DetectionSampleSettings,
): DetectionSamples {
  const looks = looksOf(tiles);
  const augment = flags.apply_automl_train_augmentations;
  if (model !== 'yolov5') {
    const sizes = { minSize: given(min_size), maxSize: given(max_size) };
    return {
      ...looks,
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
    ...looks,
    training(images, index, place) {
      const random = torchRandom(mixSeeds(place.seed, place.epoch, place.position));
      const options = { size: sizeOf(place), mosaic, ...affine, fixedSize: !multi_scale };
      return yolov5TrainingSample(index, images, options, random);
    },
    validation: (image) => yolov5ValidationSample(image, usual),
  };
}

function looksOf({
  tile_grid_size: size = null,
  tile_overlap_ratio: overlap = 0.25,
  tile_predictions_nms_threshold: iouThreshold = 0.25,
  // YOLOv5 has no such hyperparameter.
  box_detections_per_image: most = MOST_YOLO_DETECTIONS,
}: Partial<TileSettings>): Pick<DetectionSamples, 'parts' | 'merged'> {
  const grid = size === null ? null : gridOf(size, overlap);
  return {
    parts: (image) => partsOf(image, grid),
    merged(parts, found) {
      if (parts.length === 1) return found[0];
      const placed = parts.map(({ part }, i) => ({ found: found[i], part: part ?? { left: 0, top: 0 } }));
      return mergeDetections(placed, { iouThreshold, most });
    },
  };
}

function gridOf(size: string, overlap: number): TileGrid {
  const read = readTileGrid(size);
  if ('wrong' in read) throw new RangeError(`tile_grid_size must be ${read.wrong}, not ${size}`);
  return { ...read, overlap };
}

function given(size: number | undefined): number {
  if (size === undefined) throw new RangeError('the hyperparameters are those of another model');
  return size;
}
