import type { Orientation } from './orientation.ts';
import type { Eighths } from './turbojpeg.ts';

/** What decoding a file gives, before anything is cut, resized or turned. */
export interface DecodedImage {
  /** Of `pixels`. */
  readonly width: number;
  readonly height: number;
  /** Of the whole image as it stands in the file. */
  readonly stored: { readonly width: number; readonly height: number };
  readonly orientation: Orientation;
  /** The scale of `pixels` to `stored`. */
  readonly eighths: Eighths;
  /** RGB, [height, width, 3]. */
  readonly pixels: Uint8Array;
}

/** 128 bits that stand for a file as it is now, and a way to decode it. */
export interface CacheKey {
  readonly words: readonly [number, number, number, number];
  /** The same in hexadecimal digits. */
  readonly name: string;
}
