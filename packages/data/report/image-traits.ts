import { hash as digest } from 'node:crypto';
import { isBmp } from '../bmp.ts';
import { openImage } from '../decode-file.ts';
import { MOST_PIXELS } from '../image-problem.ts';
import { HASHED_SIDE, type PerceptualHash, perceptualHash } from './perceptual-hash.ts';

/** Side of the grey picture that is kept of an image, to compare it with others. */
export const PREVIEW_SIDE = 16;

/** What the report knows of one image. */
export interface ImageTraits {
  /** Pixels, after EXIF orientation. */
  readonly width: number;
  readonly height: number;
  /** As sharp names it: `jpeg`, `png`, `webp`, `gif`, `tiff`, `heif` (AVIF too), `bmp`; or `bmp`. */
  readonly format: string;
  /** EXIF orientation as stored, 1 … 8; 1 when the file has none. */
  readonly orientation: number;
  /** Stored colours: `srgb`, `b-w`, `cmyk`, `rgb16`, `grey16`, … */
  readonly space: string;
  /** No colour can be seen, however it is stored. */
  readonly grey: boolean;
  readonly alpha: boolean;
  /** Of an animation or a file with several pages; 1 else. */
  readonly frames: number;
  /** SHA-256 of the file, its first 128 bits in hexadecimal. */
  readonly digest: string;
  readonly hash: PerceptualHash;
  /** Hash of the picture mirrored left to right. */
  readonly mirrored: PerceptualHash;
  /** Standard deviation of the picture's brightness, 0 … 127. */
  readonly contrast: number;
  /** Grey picture, [16, 16], 0 … 255. */
  readonly preview: Uint8Array;
}

/**
 * Decodes an image wholly and tells what it is like.
 *
 * @param bytes the whole file
 * @param failOn `warning`: harmless faults are errors, too
 * @throws Error of sharp when it cannot be decoded
 */
export async function readTraits(bytes: Uint8Array, failOn: 'warning' | 'error'): Promise<ImageTraits> {
  const options = { limitInputPixels: MOST_PIXELS, ignoreIcc: true };
  const metadata = await openImage(bytes, { ...options, failOn: 'none' }).metadata();
  const { data, info } = await openImage(bytes, { ...options, failOn })
    .autoOrient()
    .removeAlpha()
    .toColourspace('srgb')
    .resize(HASHED_SIDE, HASHED_SIDE, { fit: 'fill', kernel: 'cubic' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { brightness, chroma } = channelsOf(data, info.channels);
  const { width, height } = metadata.autoOrient;
  return {
    width,
    height,
    format: isBmp(bytes) ? 'bmp' : metadata.format,
    orientation: metadata.orientation ?? 1,
    space: metadata.space,
    grey: chroma < MOST_GREY_CHROMA,
    alpha: metadata.hasAlpha,
    frames: metadata.pages ?? 1,
    digest: digest('sha256', bytes).slice(0, 32),
    ...perceptualHash(brightness),
    contrast: Math.round(deviation(brightness) * 10) / 10,
    preview: halved(brightness),
  };
}

/** Mean difference of the colour channels (0 … 255) that JPEG's rounding can leave in a grey picture. */
const MOST_GREY_CHROMA = 2;

/** Brightness of each pixel (ITU-R BT.601), and the mean distance between the strongest and the weakest channel. */
function channelsOf(pixels: Uint8Array, channels: number): { brightness: Float64Array; chroma: number } {
  const brightness = new Float64Array(pixels.length / channels);
  let chroma = 0;
  for (let i = 0; i < brightness.length; i++) {
    const at = i * channels;
    const [red, green, blue] = channels < 3 ? [pixels[at], pixels[at], pixels[at]] : pixels.subarray(at, at + 3);
    brightness[i] = 0.299 * red + 0.587 * green + 0.114 * blue;
    chroma += Math.max(red, green, blue) - Math.min(red, green, blue);
  }
  return { brightness, chroma: chroma / brightness.length };
}

function deviation(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

function halved(pixels: Float64Array): Uint8Array {
  const preview = new Uint8Array(PREVIEW_SIDE * PREVIEW_SIDE);
  for (let i = 0; i < preview.length; i++) {
    const at = Math.floor(i / PREVIEW_SIDE) * 2 * HASHED_SIDE + (i % PREVIEW_SIDE) * 2;
    preview[i] = Math.round(
      (pixels[at] + pixels[at + 1] + pixels[at + HASHED_SIDE] + pixels[at + HASHED_SIDE + 1]) / 4,
    );
  }
  return preview;
}
