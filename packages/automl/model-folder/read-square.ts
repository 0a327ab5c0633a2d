import { decodeImage, imageSize } from '@fovea/data/decode';
import { centreCrop, resizeShortSide } from '@fovea/vision/transforms';

/** A path, or the bytes of a file in any image format. */
export type ImageSource = string | Uint8Array;

/**
 * Reads an image as validation and scoring do: the shorter side to `resizeSize`, the middle `cropSize` × `cropSize` of it (black
 * around an image that is smaller).
 *
 * @param name of an image that is not a path, for errors
 * @returns RGB, cropSize × cropSize × 3
 * @throws IssuesError naming the image when it cannot be read
 */
export async function readSquare(
  image: ImageSource,
  name: string,
  { resizeSize, cropSize }: { resizeSize: number; cropSize: number },
): Promise<Uint8Array> {
  const source = typeof image === 'string' ? { file: image } : { file: name, bytes: image };
  const { width, height } = await imageSize(source);
  const resize = resizeShortSide(width, height, resizeSize);
  const { source: part, left, top } = centreCrop(resize.width, resize.height, cropSize);
  const { pixels } = await decodeImage({ ...source, resize, cropAfter: part });
  if (pixels.length === cropSize * cropSize * 3) return pixels;
  const square = new Uint8Array(cropSize * cropSize * 3);
  for (let y = 0; y < part.height; y++) {
    const row = pixels.subarray(y * part.width * 3, (y + 1) * part.width * 3);
    square.set(row, ((top + y) * cropSize + left) * 3);
  }
  return square;
}
