/**
 * Training and validation images of detectors: what the data loader is to make, and where the boxes are in it. No engine is loaded by
 * importing it. What is drawn depends on `random` alone: a seed of run, epoch and place (`mixSeeds`) gives the same image and boxes on
 * every machine, whatever the number of workers.
 */
import type { Decode, Sample } from '@fovea/data';
import type { CompositionPlan } from '../transforms/augment.ts';
import type { Rectangle, Size } from '../transforms/geometry.ts';
import type { Random } from '../transforms/random.ts';
import {
  type AffineRanges,
  boxesInSample,
  type OriginalBoxes,
  planSample,
  type SampleBoxes,
  type SamplePlan,
  YOLOV5_AFFINE,
} from '../yolov5/augment.ts';
import type { YoloV5Version } from '../yolov5/network.ts';
import { boxesOfPlan, type DetectionPlan, type DetectionPlanOptions, planDetection } from './augment-plan.ts';

/** An image with its boxes, in pixels of the image after EXIF orientation. */
export interface BoxedImage extends Pick<Decode, 'file' | 'source'>, Size {
  /** Only this part of the file's image is meant; size and boxes are those of the part. Default: all of it. */
  part?: Rectangle;
  boxes: OriginalBoxes;
}

/** An image as a detector is to see it. */
export interface DetectionSample {
  /** For the data loader, with `augmentModule`. */
  sample: Sample;
  size: Size;
  /** In pixels of the sample. */
  boxes: SampleBoxes;
}

/** ImageNet's mean in 8 bits: nothing, once it is normalised. */
const MEAN = [124, 116, 104] as const;

const noDraw = (): never => {
  throw new Error('nothing is drawn for an image that is not augmented');
};
const NO_DRAWS: Random = { uniform: noDraw, integer: noDraw, permutation: noDraw };

/** An image for Faster R-CNN or RetinaNet to learn from: cut, expanded, mirrored by chance, and resized. */
export function rcnnTrainingSample(image: BoxedImage, options: DetectionPlanOptions, random: Random): DetectionSample {
  const plan = planDetection(image, image.boxes, options, random);
  return { sample: rcnnSample(image, plan), size: plan.output, boxes: boxesOfPlan(plan, image.boxes) };
}

/** The whole image for Faster R-CNN or RetinaNet, as a served model sees it. */
export function rcnnValidationSample(
  image: BoxedImage,
  { minSize, maxSize }: Pick<DetectionPlanOptions, 'minSize' | 'maxSize'>,
): DetectionSample {
  const plan = planDetection(image, image.boxes, { minSize, maxSize, augment: false }, NO_DRAWS);
  const sample = { ...rcnnSample(image, plan), repeats: true };
  return { sample, size: plan.output, boxes: boxesOfPlan(plan, image.boxes) };
}

function rcnnSample(
  { file, source, width, height, part }: BoxedImage,
  { crop, output, placed, flip }: DetectionPlan,
): Sample {
  const isWhole = !part && crop.width === width && crop.height === height;
  const { left: partLeft, top: partTop } = part ?? { left: 0, top: 0 };
  const decode: Decode = {
    file,
    ...(source && { source }),
    ...(!isWhole && { crop: { ...crop, left: partLeft + crop.left, top: partTop + crop.top } }),
    resize: { width: placed.width, height: placed.height },
    // torchvision's detectors resize without antialias, and so does the exported model.
    interpolation: 'linear',
    flip,
  };
  if (placed.width === output.width && placed.height === output.height) return decode;
  const left = flip ? output.width - placed.left - placed.width : placed.left;
  const compose: CompositionPlan = { kind: 'canvas', left, top: placed.top, colour: MEAN };
  return { decodes: [decode], size: output, compose };
}

export interface YoloV5SampleOptions {
  /** Side of the square image in pixels. */
  size: number;
  /** Default true: four images on one canvas. */
  mosaic?: boolean;
  /** Default: what YOLOv5 trains from scratch with. null: neither affine map nor flip. */
  affine?: AffineRanges | null;
  /** Default '6.2'. */
  version?: YoloV5Version;
  /** `size` is the same for all images of the training: a cache then keeps them resized. Default true. */
  fixedSize?: boolean;
}

/** Image `index` for YOLOv5 to learn from: in a mosaic, mapped and mirrored by chance. */
export function yolov5TrainingSample(
  index: number,
  images: readonly BoxedImage[],
  { size, mosaic = true, affine = YOLOV5_AFFINE, version = '6.2', fixedSize = true }: YoloV5SampleOptions,
  random: Random,
): DetectionSample {
  const sizeOf = (image: number) => images[image];
  const plan = planSample(index, { size, count: images.length, sizeOf, mosaic, affine }, random);
  return yolov5Sample(plan, images, version, fixedSize);
}

/** The whole image for YOLOv5, as a served model sees it: resized, in the middle of a grey square. */
export function yolov5ValidationSample(image: BoxedImage, size: number): DetectionSample {
  const plan = planSample(0, { size, count: 1, sizeOf: () => image, mosaic: false, affine: null }, NO_DRAWS);
  return yolov5Sample(plan, [image], '6.2', true);
}

function yolov5Sample(
  plan: SamplePlan,
  images: readonly BoxedImage[],
  version: YoloV5Version,
  repeats: boolean,
): DetectionSample {
  const decodes = plan.tiles.map(({ image, resized }): Decode => {
    const { file, source, part } = images[image];
    return {
      file,
      ...(source && { source }),
      ...(part && { crop: part }),
      resize: resized,
      interpolation: 'linear',
      repeats,
    };
  });
  // The worker knows the images by their place among the decoded ones.
  const tiles = plan.tiles.map((tile, image) => ({ ...tile, image }));
  const compose: CompositionPlan = { kind: 'yolov5', plan: { ...plan, tiles } };
  return {
    sample: { decodes, size: plan.output, compose },
    size: plan.output,
    boxes: boxesInSample(plan, (image) => images[image].boxes, version),
  };
}

/**
 * The side that the images of a batch get with `multi_scale`: from half to one and a half times `size`, in whole strides, as YOLOv5 draws
 * it. There a finished batch is stretched to it; here the images are made at this size from the start.
 */
export function multiScaleSize(size: number, random: Random, stride = 32): number {
  const from = Math.floor(size / 2);
  const drawn = from + random.integer(Math.ceil(size * 1.5) + stride - from);
  return Math.max(stride, Math.floor(drawn / stride) * stride);
}
