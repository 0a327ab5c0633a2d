import type { ClassifierFolder } from '@fovea/automl/model-folder';
import type { ImageSource } from '@fovea/automl/read-square';
import { decodeImage, imageSize, type Pixels } from '@fovea/data/decode';
import { resizeLinear } from '@fovea/data/resize-linear';
import { normalisePixels, type Rectangle, type Size } from '@fovea/vision/transforms';

export { type ImageSource, readSquare as readImage } from '@fovea/automl/read-square';

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
