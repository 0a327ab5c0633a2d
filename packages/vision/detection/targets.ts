import type { Tensor } from '@fovea/torch';
import type { Size } from '../transforms/index.ts';

/** What is in an image, for training. */
export interface DetectionTarget {
  /** Corners in pixels of the image, float32 `[K, 4]`; K may be 0. */
  boxes: Tensor;
  /** int64 `[K]` */
  labels: Tensor;
  /** For a network that learns masks: 1 where the object is, uint8 `[K, H, W]`, as large as the image. */
  masks?: Tensor;
}

/** What a detector finds in an image, best first. */
export interface Detections {
  /** Corners in pixels of the image, `[K, 4]`. */
  boxes: Tensor;
  /** int64 `[K]` */
  labels: Tensor;
  /** In [0, 1], `[K]`. */
  scores: Tensor;
  /** Where in each box the object is, from a network that finds masks: probabilities `[K, 28, 28]`; see `masksOnImage`. */
  masks?: Tensor;
}

/** The terms of a detector's loss by name; training minimises their sum. */
export type DetectionLosses = Record<string, Tensor>;

/** Size of an image `[3, H, W]`. */
export const sizeOf = (image: Tensor): Size => ({ height: image.size(-2), width: image.size(-1) });

/** @throws RangeError, TypeError that name the image and what is wrong with its target */
export function checkTargets(images: readonly Tensor[], targets: readonly DetectionTarget[]): void {
  if (targets.length !== images.length)
    throw new RangeError(`${images.length} images with ${targets.length} targets; each image needs one`);
  for (const [index, { boxes, labels, masks }] of targets.entries()) {
    const where = `target of image ${index}`;
    if (boxes.ndim !== 2 || boxes.size(1) !== 4)
      throw new RangeError(`${where}: boxes are [K, 4], got [${boxes.shape}]; without boxes, [0, 4]`);
    if (boxes.dtype !== 'float32') throw new TypeError(`${where}: boxes are float32, got ${boxes.dtype}`);
    if (labels.dtype !== 'int64') throw new TypeError(`${where}: labels are int64, got ${labels.dtype}`);
    const count = boxes.size(0);
    if (labels.ndim !== 1 || labels.size(0) !== count)
      throw new RangeError(`${where}: ${count} boxes need labels [${count}], got [${labels.shape}]`);
    if (masks && `${masks.shape}` !== `${[count, ...images[index].shape.slice(-2)]}`)
      throw new RangeError(`${where}: masks are [${[count, ...images[index].shape.slice(-2)]}], got [${masks.shape}]`);
  }
}

/** @throws RangeError for a box without width or height, of which no logarithm can be learned */
export function checkAreas(targets: readonly DetectionTarget[]): void {
  for (const [index, { boxes }] of targets.entries()) {
    const isDegenerate = boxes.slice(1, 2, 4).le(boxes.slice(1, 0, 2));
    if (isDegenerate.float().sum().item() === 0) continue;
    const corners = boxes.toArray() as number[][];
    const box = corners.findIndex(([x1, y1, x2, y2]) => x2 <= x1 || y2 <= y1);
    throw new RangeError(
      `target of image ${index}: box ${box}, [${corners[box]}], has no area; a box is [x1, y1, x2, y2] with x2 > x1 and y2 > y1`,
    );
  }
}
