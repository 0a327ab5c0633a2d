import { imageSize } from '../decode.ts';
import { sharp } from '../sharp.ts';

/** Size of an image in pixels after EXIF orientation, from the head of its file alone where that is enough; null when it is none. */
export async function openImageSize(file: string): Promise<{ width: number; height: number } | null> {
  try {
    const { autoOrient } = await sharp(file, { limitInputPixels: false }).metadata();
    return { width: autoOrient.width, height: autoOrient.height };
  } catch {
    return imageSize({ file }).catch(() => null);
  }
}
