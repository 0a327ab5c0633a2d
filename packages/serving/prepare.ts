import type { ClassifierFolder } from '@fovea/automl/model-folder';
import { decodeImage, imageSize, type Pixels } from '@fovea/data/decode';
import { resizeLinear } from '@fovea/data/resize-linear';
import {
  type CentreCrop,
  centreCrop,
  normalisePixels,
  type Rectangle,
  resizeShortSide,
  type Size,
} from '@fovea/vision/transforms';

/** How pictures become the network's input. */
export interface Preparation {
  mean: readonly number[];
  std: readonly number[];
  resizeSize: number;
  cropSize: number;
}

/** How a classifier's folder wants it. */
export function preparationOf({ input, settings }: Pick<ClassifierFolder, 'input' | 'settings'>): Preparation {
  return {
    mean: input.normalised_in_graph ? [0, 0, 0] : input.mean,
    std: input.normalised_in_graph ? [1, 1, 1] : input.std,
    resizeSize: settings.valid_resize_size,
    cropSize: settings.valid_crop_size,
  };
}

/** A path, or the bytes of a file in any image format. */
export type ImageSource = string | Uint8Array;

/**
 * Reads an image as validation does in training: the shorter side to `resizeSize`, the middle `cropSize` × `cropSize` of it (black
 * around an image that is smaller).
 *
 * @param name of an image that is not a path, for errors
 * @returns RGB pixels, cropSize × cropSize × 3
 * @throws IssuesError naming the image when it cannot be read
 */
export async function readImage(
  image: ImageSource,
  name: string,
  { resizeSize, cropSize }: Preparation,
): Promise<Uint8Array> {
  const source = typeof image === 'string' ? { file: image } : { file: name, bytes: image };
  const { width, height } = await imageSize(source);
  const resize = resizeShortSide(width, height, resizeSize);
  const crop = centreCrop(resize.width, resize.height, cropSize);
  const { pixels } = await decodeImage({ ...source, resize, cropAfter: crop.source });
  return onCanvas(pixels, crop, cropSize);
}

/**
 * Reads an image at its own size, upright; pixels that were read before are as they were.
 *
 * @throws IssuesError naming the image when it cannot be read
 */
export async function readWhole(image: ImageSource | Pixels, name: string): Promise<Pixels> {
  if (typeof image === 'object' && 'pixels' in image) return image;
  const source = typeof image === 'string' ? { file: image } : { file: name, bytes: image };
  return decodeImage({ ...source, resize: await imageSize(source) });
}

/** A part of an image, resized without antialias. */
export function resizedPart(image: Pixels, part: Rectangle, resized: Size): Uint8Array {
  const pixels = cut(image, part);
  const isSame = part.width === resized.width && part.height === resized.height;
  return isSame ? pixels : resizeLinear(pixels, part, resized);
}

function cut({ pixels, width, height }: Pixels, part: Rectangle): Uint8Array {
  if (part.width === width && part.height === height) return pixels;
  const result = new Uint8Array(part.width * part.height * 3);
  for (let y = 0; y < part.height; y++) {
    const from = ((part.top + y) * width + part.left) * 3;
    result.set(pixels.subarray(from, from + part.width * 3), y * part.width * 3);
  }
  return result;
}

/** @returns [images, 3, cropSize, cropSize], normalised */
export function networkInput(images: readonly Uint8Array[], { mean, std, cropSize }: Preparation): Float32Array {
  const area = cropSize * cropSize;
  const input = new Float32Array(images.length * 3 * area);
  images.forEach((pixels, i) => {
    normalisePixels(pixels, area, { mean, std }, input.subarray(i * 3 * area, (i + 1) * 3 * area));
  });
  return input;
}

function onCanvas(pixels: Uint8Array, { source, left, top }: CentreCrop, size: number): Uint8Array {
  if (source.width === size && source.height === size) return pixels;
  const canvas = new Uint8Array(size * size * 3);
  for (let y = 0; y < source.height; y++) {
    const row = pixels.subarray(y * source.width * 3, (y + 1) * source.width * 3);
    canvas.set(row, ((top + y) * size + left) * 3);
  }
  return canvas;
}
