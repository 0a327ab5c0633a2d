import { decodeImage, imageSize } from '@fovea/data/decode';
import { fromTypedArray, type Tensor, tidy, zeros } from '@fovea/torch';
import {
  type DetectorInput,
  detectionSize,
  letterbox,
  letterboxGeometry,
  normalisePixels,
  type ObjectDetector,
} from '@fovea/vision';
import type { ImageSource } from '../../model-folder/read-square.ts';

/** An image as a detector sees it. */
export interface DetectorPicture {
  /** RGB, height × width × 3. */
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** Where in it the image lies; around it is canvas. */
  readonly image: { readonly left: number; readonly top: number; readonly width: number; readonly height: number };
}

/** Reads an image at the size that a detector wants. @throws IssuesError when it cannot be read */
export async function readForDetector({ fit }: ObjectDetector, given: ImageSource): Promise<DetectorPicture> {
  const source = typeof given === 'string' ? { file: given } : { file: 'the image', bytes: given };
  const size = await imageSize(source);
  if (fit.kind === 'within') {
    const resized = detectionSize(size, fit.minSize, fit.maxSize);
    const { pixels } = await decodeImage({ ...source, resize: resized, interpolation: 'linear' });
    return { pixels, ...resized, image: { left: 0, top: 0, ...resized } };
  }
  const { pixels: whole } = await decodeImage({ ...source, resize: size });
  const placement = letterboxGeometry(size, fit.size, { auto: false });
  const { left, top, resized, canvas } = placement;
  return { pixels: letterbox(whole, size, placement), ...canvas, image: { left, top, ...resized } };
}

/** The picture as a batch of one; what fills it up to whole strides is zero. Its tensor belongs to the caller. */
export function detectorInput({ fit, normalisation }: ObjectDetector, picture: DetectorPicture): DetectorInput {
  const { pixels, width, height } = picture;
  const images = tidy((): Tensor => {
    const values = normalisePixels(pixels, width * height, normalisation);
    const image = fromTypedArray(Float32Array.from(values), [1, 3, height, width]);
    const [paddedHeight, paddedWidth] = [height, width].map((side) => Math.ceil(side / fit.stride) * fit.stride);
    if (paddedHeight === height && paddedWidth === width) return image;
    const padded = zeros([1, 3, paddedHeight, paddedWidth]);
    padded.narrow(2, 0, height).narrow(3, 0, width).copy_(image);
    return padded;
  });
  return { images, sizes: [{ width, height }] };
}
