/**
 * How a training image of the R-CNN family is shown: which part of it, on how large a canvas, at which size, mirrored or not.
 * Arithmetic on sizes, boxes and random numbers alone. No engine is loaded.
 *
 * Crop, expansion and flip are torchvision's `RandomIoUCrop`, `RandomZoomOut` and `RandomHorizontalFlip` (references/detection/transforms.py,
 * v0.14) with their defaults, which are those of SSD (Liu et al. 2016, https://arxiv.org/abs/1512.02325, sections 2.2 and 3.6). From
 * `torchRandom(seed)` they draw exactly what torchvision draws after `torch.manual_seed(seed)`.
 */
import { boundsOf, clipPolygon } from '@fovea/data/masks';
import type { Rectangle, Size } from '../transforms/geometry.ts';
import type { Random } from '../transforms/random.ts';
import type { OriginalBoxes, Outline, SampleBoxes } from '../yolov5/augment-boxes.ts';
import { detectionSize } from './resized-size.ts';

export interface DetectionPlan {
  /** The part of the image that is shown, in whole pixels. */
  crop: Rectangle;
  /** Whether boxes are kept only when their centres lie in `crop`. */
  cropped: boolean;
  /** Of the result. */
  output: Size;
  /** Where the part lies in the result before it is mirrored, in whole pixels; the mean colour around it. */
  placed: Rectangle;
  /** Left and right change places in the end. */
  flip: boolean;
}

export interface DetectionPlanOptions {
  /** Length of the shorter side of the result in pixels … */
  minSize: number;
  /** … unless the longer side then exceeded this. */
  maxSize: number;
  /** Default true. False: the whole image, neither expanded nor mirrored; nothing is drawn. */
  augment?: boolean;
}

const LEAST_CROP = 0.3;
const CROP_RATIOS = [0.5, 2] as const;
/** How much of a box a crop must have in common with it, by intersection over union; 1: the image stays whole. */
const OVERLAPS = [0, 0.1, 0.3, 0.5, 0.7, 0.9, 1];
const TRIALS = 40;
const MOST_EXPANSION = 4;
const EXPANDED_SHARE = 0.5;
const FLIPPED_SHARE = 0.5;
/** Boxes that are thinner in the result are dropped, in pixels; as torchvision's `SanitizeBoundingBoxes` does. */
const LEAST_SIDE = 1;

/** Draws how an image with these boxes is shown. It depends on `random` alone. */
export function planDetection(
  image: Size,
  boxes: Pick<OriginalBoxes, 'corners'>,
  { minSize, maxSize, augment = true }: DetectionPlanOptions,
  random: Random,
): DetectionPlan {
  const whole = { left: 0, top: 0, width: image.width, height: image.height };
  const drawn = augment ? iouCrop(image, boxes.corners, random) : null;
  const crop = drawn ?? whole;
  const canvas = augment ? zoomOut(crop, random) : { left: 0, top: 0, width: crop.width, height: crop.height };
  const flip = augment && random.uniform(0, 1) < FLIPPED_SHARE;
  const size = detectionSize(canvas, minSize, maxSize);
  const output = { width: Math.max(1, size.width), height: Math.max(1, size.height) };
  const across = placeOn(output.width, canvas.width, canvas.left, crop.width);
  const down = placeOn(output.height, canvas.height, canvas.top, crop.height);
  const placed = { left: across.first, top: down.first, width: across.length, height: down.length };
  return { crop, cropped: drawn !== null, output, placed, flip };
}

/**
 * `RandomIoUCrop`: a part of the image in which the centre of a box lies, and that has so much in common with such a box as was drawn.
 * @returns null: the image stays whole
 */
export function iouCrop({ width, height }: Size, corners: ArrayLike<number>, random: Random): Rectangle | null {
  const { fround, trunc } = Math;
  const share = (): number => random.uniform(0, 1);
  const scale = (): number => fround(fround(fround(1 - LEAST_CROP) * share()) + fround(LEAST_CROP));
  for (;;) {
    const overlap = OVERLAPS[random.integer(OVERLAPS.length)];
    if (overlap >= 1) return null;
    for (let trial = 0; trial < TRIALS; trial++) {
      const [across, down] = [scale(), scale()];
      const size = { width: trunc(fround(width * across)), height: trunc(fround(height * down)) };
      if (size.width === 0 || size.height === 0) continue;
      const ratio = size.width / size.height;
      if (ratio < CROP_RATIOS[0] || ratio > CROP_RATIOS[1]) continue;
      const [right, below] = [share(), share()];
      const left = trunc(fround((width - size.width) * right));
      const top = trunc(fround((height - size.height) * below));
      const crop = { left, top, ...size };
      if (mostInCommon(corners, crop) >= fround(overlap)) return crop;
    }
  }
}

/** The largest intersection over union of the crop and a box whose centre is in it, in single precision; −1: there is no such box. */
function mostInCommon(corners: ArrayLike<number>, crop: Rectangle): number {
  const { fround, max, min } = Math;
  let most = -1;
  for (let i = 0; i < corners.length; i += 4) {
    const [x1, y1, x2, y2] = [0, 1, 2, 3].map((k) => fround(corners[i + k]));
    if (!isCentreIn(x1, y1, x2, y2, crop)) continue;
    const width = max(0, fround(min(x2, crop.left + crop.width) - max(x1, crop.left)));
    const height = max(0, fround(min(y2, crop.top + crop.height) - max(y1, crop.top)));
    const common = fround(width * height);
    const area = fround(fround(x2 - x1) * fround(y2 - y1));
    const all = fround(fround(area + crop.width * crop.height) - common);
    most = max(most, fround(common / all));
  }
  return most;
}

function isCentreIn(x1: number, y1: number, x2: number, y2: number, crop: Rectangle): boolean {
  const { fround } = Math;
  const [x, y] = [fround(0.5 * fround(x1 + x2)), fround(0.5 * fround(y1 + y2))];
  return crop.left < x && x < crop.left + crop.width && crop.top < y && y < crop.top + crop.height;
}

/** `RandomZoomOut`: a larger canvas for half of the images; `left` and `top` say where the image lies on it. */
export function zoomOut({ width, height }: Size, random: Random): Rectangle {
  const { fround, trunc } = Math;
  if (random.uniform(0, 1) >= EXPANDED_SHARE) return { left: 0, top: 0, width, height };
  const factor = fround(1 + fround(random.uniform(0, 1) * (MOST_EXPANSION - 1)));
  const canvas = { width: trunc(fround(width * factor)), height: trunc(fround(height * factor)) };
  const [across, down] = [random.uniform(0, 1), random.uniform(0, 1)];
  const left = trunc(fround((canvas.width - width) * across));
  const top = trunc(fround((canvas.height - height) * down));
  return { left, top, ...canvas };
}

/** What `length` pixels from `start` on a canvas become when it is brought to `output` pixels: whole ones, and at least one. */
function placeOn(output: number, canvas: number, start: number, length: number): { first: number; length: number } {
  const scale = output / canvas;
  const first = Math.min(output - 1, Math.round(start * scale));
  return { first, length: Math.max(1, Math.round((start + length) * scale) - first) };
}

/**
 * The objects of the image in the result: their boxes where their pixels are, clipped, and left out where the centre was cut away or
 * nearly nothing is left. Outlines go the same way. Of an object that has one the box of a crop is that around what the crop has of it,
 * and not the clipped one, which may be larger; a box with nothing of its object in it is left out.
 */
export function boxesOfPlan(plan: DetectionPlan, { corners, classes: labels, outlines }: OriginalBoxes): SampleBoxes {
  const { crop, cropped, output, flip } = plan;
  const kept: number[] = [];
  const classes: number[] = [];
  const keptOutlines: Outline[] = [];
  const { across, down } = mapOf(plan);
  for (let i = 0; i < labels.length; i++) {
    const [x1, y1, x2, y2] = [0, 1, 2, 3].map((k) => Math.fround(corners[4 * i + k]));
    if (cropped && !isCentreIn(x1, y1, x2, y2, crop)) continue;
    const outline = outlines && outlineOfPlan(plan, outlines[i]);
    if (outline?.length === 0) continue;
    const box = [across(x1), down(y1), across(x2), down(y2)] as const;
    const [left, top, right, bottom] = cropped && outline ? boundsOf(outline) : box;
    if (!(right - left >= LEAST_SIDE && bottom - top >= LEAST_SIDE)) continue;
    kept.push(flip ? output.width - right : left, top, flip ? output.width - left : right, bottom);
    classes.push(labels[i]);
    if (outline) keptOutlines.push(flip ? outline.map((piece) => mirrored(piece, output.width)) : outline);
  }
  return {
    corners: Float32Array.from(kept),
    classes: Int32Array.from(classes),
    ...(outlines && { outlines: keptOutlines }),
    dropped: labels.length - classes.length,
  };
}

/** Where a coordinate of the image comes to lie in the result before it is mirrored; clipped to the crop. */
function mapOf({ crop, placed }: DetectionPlan): { across(x: number): number; down(y: number): number } {
  return {
    across: (x) => Math.min(Math.max(x - crop.left, 0), crop.width) * (placed.width / crop.width) + placed.left,
    down: (y) => Math.min(Math.max(y - crop.top, 0), crop.height) * (placed.height / crop.height) + placed.top,
  };
}

/** An outline in the result before it is mirrored; without pieces when the crop has nothing of it. */
function outlineOfPlan(plan: DetectionPlan, outline: Outline): number[][] {
  const { left, top, width, height } = plan.crop;
  const { across, down } = mapOf(plan);
  return outline.flatMap((piece) => {
    const clipped = clipPolygon(piece, { left, top, right: left + width, bottom: top + height });
    return clipped.length === 0 ? [] : [clipped.map((value, i) => (i % 2 === 0 ? across(value) : down(value)))];
  });
}

const mirrored = (piece: ArrayLike<number>, width: number): number[] =>
  Array.from(piece, (value, i) => (i % 2 === 0 ? width - value : value));
