import { readFileSync } from 'node:fs';
import { bmpSize, isBmp } from './bmp.ts';
import { decodeFile } from './decode-file.ts';
import type { DecodedImage } from './decoded-image.ts';
import type { ImageCache } from './image-cache.ts';
import { imageProblem, requireFewPixels } from './image-problem.ts';
import { IssuesError, shortPath } from './issue.ts';
import { copyUpright, jpegOrientation, storedBox, turnedSize, UPRIGHT } from './orientation.ts';
import { type Box, type Interpolation, resample, sourcePixels } from './resample.ts';
import { resizeLinear } from './resize-linear.ts';
import { sharp } from './sharp.ts';
import { turboJpeg } from './turbojpeg.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}

/** What to make of an image file. Steps in their order: crop, resize, crop, flip, augment. */
export interface Decode {
  readonly file: string;
  /** What the file holds, where somebody has read it already (or there is no file); `file` is then its name in errors. */
  readonly bytes?: Uint8Array;
  /** Where the image was named, for errors. */
  readonly source?: { readonly file: string; readonly line?: number };
  /** Part of the image to take, in whole pixels after EXIF orientation. Default: all of it. */
  readonly crop?: Box;
  readonly resize: Size;
  /**
   * Default: bilinear, which averages over all pixels that a smaller image is made of, as bicubic does. `linear` does not: it is
   * OpenCV's INTER_LINEAR, bit for bit, of the image after mirroring. It does not go together with `cropAfter` and `fast`.
   */
  readonly interpolation?: Interpolation | 'linear';
  /** Part of the resized image to keep, in whole pixels. Default: all of it. */
  readonly cropAfter?: Box;
  /** Mirrors left to right. */
  readonly flip?: boolean;
  /** Mirrors top to bottom. */
  readonly flipVertical?: boolean;
  /** Arguments for the loader's augment module; what can be sent to a worker. */
  readonly augment?: unknown;
  /**
   * Lets a JPEG be decoded at a fraction of its size when it is at least twice as large as `resize` even so: several times faster,
   * with pixels that differ a little from the exact ones. For random parts in training, not for what is measured.
   */
  readonly fast?: boolean;
  /** The very same is asked for again and again, as validation does: a cache then keeps the result. */
  readonly repeats?: boolean;
}

export interface Pixels {
  /** RGB, [height, width, 3]. */
  pixels: Uint8Array;
  width: number;
  height: number;
}

/**
 * Decodes an image as Pillow and torchvision do it: `convert('RGB')`, crop, resize with antialias (bit for bit), crop,
 * flip. Profiles are ignored, alpha is dropped (not blended), grey, CMYK, palette and 16-bit become 8-bit RGB, of an
 * animation the first frame is taken. Unlike Pillow, which leaves that to the caller, EXIF orientation is applied first.
 *
 * @param options.target receives the pixels, when given; of the length `width · height · 3`
 * @param options.cache has what files decode to, and keeps it; the pixels are the same with it and without it
 * @throws IssuesError naming the file (and `source`) when it cannot be read
 * @throws RangeError for a crop that is not inside of the image
 * @throws TypeError for steps that `linear` does not go together with
 */
export async function decodeImage(
  decode: Decode,
  { target, cache }: { target?: Uint8Array; cache?: ImageCache } = {},
): Promise<Pixels> {
  const { width, height } = decode.cropAfter ?? decode.resize;
  const pixels = target ?? new Uint8Array(width * height * 3);
  if (pixels.length !== width * height * 3)
    throw new RangeError(`${width} × ${height} pixels do not fit into ${pixels.length} bytes`);
  requireInside(decode.cropAfter, decode.resize, 'cropAfter');
  if (decode.interpolation === 'linear') requirePlain(decode);
  try {
    await (cache && !decode.bytes ? throughCache(decode, pixels, cache) : decodeAnew(decode, pixels));
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw await unreadable(decode, error);
  }
  return { pixels, width, height };
}

async function throughCache(decode: Decode, target: Uint8Array, cache: ImageCache): Promise<void> {
  const key = cache.keyOf(decode.file, wayOf(decode));
  const found = key && cache.get(key);
  if (found) {
    if (decode.repeats) target.set(found.pixels);
    else finish(found, decode, target, { inMemory: false });
    return;
  }
  const begun = performance.now();
  const keep = (image: DecodedImage) => key && cache.put(key, image, performance.now() - begun);
  await decodeAnew(decode, target, decode.repeats ? undefined : keep);
  if (decode.repeats) {
    const size = decode.cropAfter ?? decode.resize;
    const { width, height } = size;
    keep({ width, height, stored: { width, height }, orientation: UPRIGHT, eighths: 8, pixels: target });
  }
}

/** What a cached image depends on, but for the file. */
function wayOf({ crop, resize, cropAfter, interpolation, flip, flipVertical, fast, repeats }: Decode): string {
  if (repeats) return JSON.stringify({ crop, resize, cropAfter, interpolation, flip, flipVertical, fast });
  return fast ? `fast for ${resize.width} × ${resize.height}` : 'exact';
}

/** @param look sees the image as it was decoded */
async function decodeAnew(decode: Decode, target: Uint8Array, look?: (image: DecodedImage) => void): Promise<void> {
  // An asynchronous read goes through four queues of threads, a fifth of the time that a small JPEG takes in all.
  const bytes = decode.bytes ?? readFileSync(decode.file);
  await decodeFile(bytes, decode.fast ? decode.resize : undefined, (image) => {
    look?.(image);
    finish(image, decode, target, { inMemory: true });
  });
}

/**
 * Size of an image after EXIF orientation, from its header alone.
 *
 * @param image as in `Decode`
 * @throws IssuesError naming the file when it cannot be read or is no image
 */
export async function imageSize(image: Pick<Decode, 'file' | 'bytes' | 'source'>): Promise<Size> {
  try {
    const bytes = image.bytes ?? readFileSync(image.file);
    const size = await sizeOf(bytes);
    requireFewPixels(size);
    return size;
  } catch (error) {
    throw await unreadable(image, error);
  }
}

/**
 * Cuts, resizes and turns a decoded image.
 * @param inMemory its pixels are in the memory of the resize already
 */
function finish(image: DecodedImage, decode: Decode, target: Uint8Array, { inMemory }: { inMemory: boolean }): void {
  const { interpolation } = decode;
  if (interpolation === 'linear') {
    const { width, height } = cropOf(decode, turnedSize(image.stored, image.orientation));
    const { file, crop, flip = false, flipVertical = false } = decode;
    const part = new Uint8Array(width * height * 3);
    finish(image, { file, ...(crop && { crop }), resize: { width, height }, flip, flipVertical }, part, { inMemory });
    const isSame = width === decode.resize.width && height === decode.resize.height;
    target.set(isSame ? part : resizeLinear(part, { width, height }, decode.resize));
    return;
  }
  const { stored, orientation } = image;
  const scale = image.eighths / 8;
  const box = storedBox(cropOf(decode, turnedSize(stored, orientation)), stored, orientation);
  const part = { left: box.left * scale, top: box.top * scale, width: box.width * scale, height: box.height * scale };
  const region = around(part, image);
  const size = turnedSize(decode.resize, orientation);
  const whole = { ...decode.resize, left: 0, top: 0 };
  const window = storedBox(decode.cropAfter ?? whole, size, orientation);
  const { flip = false, flipVertical = false } = decode;
  const mirrored = { across: flip, down: flipVertical };

  const top = inMemory ? 0 : region.top;
  if (!inMemory) {
    // Rows that no one looks at need not be copied.
    const [from, to] = [top * image.width * 3, (top + region.height) * image.width * 3];
    sourcePixels(to - from).set(image.pixels.subarray(from, to));
  }
  const resampling = {
    source: { width: image.width, height: inMemory ? image.height : region.height },
    region: { ...region, top: region.top - top },
    box: { ...part, top: part.top - top },
    size,
    window,
    ...(interpolation && { interpolation }),
  };
  if (orientation === UPRIGHT) {
    resample({ ...resampling, mirrored }, target);
  } else {
    const turned = new Uint8Array(target.length);
    resample(resampling, turned);
    copyUpright(turned, window, orientation, mirrored, target);
  }
}

async function sizeOf(bytes: Uint8Array): Promise<Size> {
  const stored = turboJpeg()?.size(bytes);
  if (stored) return turnedSize(stored, jpegOrientation(bytes));
  if (isBmp(bytes)) return bmpSize(bytes);
  return (await sharp(bytes, { limitInputPixels: false }).metadata()).autoOrient;
}

/** The smallest box of whole pixels around `box`. */
function around(box: Box, { width, height }: Size): Box {
  const [left, top] = [Math.floor(box.left), Math.floor(box.top)];
  const right = Math.min(width, Math.ceil(box.left + box.width));
  const bottom = Math.min(height, Math.ceil(box.top + box.height));
  return { left, top, width: right - left, height: bottom - top };
}

function cropOf(decode: Decode, image: Size): Box {
  requireInside(decode.crop, image, 'crop');
  return decode.crop ?? { left: 0, top: 0, width: image.width, height: image.height };
}

function requireInside(box: Box | undefined, { width, height }: Size, name: string): void {
  if (!box) return;
  const whole = [box.left, box.top, box.width, box.height].every(Number.isInteger);
  const inside = box.left >= 0 && box.top >= 0 && box.left + box.width <= width && box.top + box.height <= height;
  if (whole && inside && box.width > 0 && box.height > 0) return;
  const { left, top } = box;
  throw new RangeError(
    `${name} ${box.width} × ${box.height} at ${left}, ${top} is not inside of ${width} × ${height} pixels`,
  );
}

function requirePlain({ cropAfter, fast }: Decode): void {
  const also = cropAfter ? 'cropAfter' : fast ? 'fast' : undefined;
  if (also) throw new TypeError(`${also} does not go together with linear interpolation; with bilinear it does`);
}

async function unreadable(
  { file, bytes, source }: Pick<Decode, 'file' | 'bytes' | 'source'>,
  error: unknown,
): Promise<IssuesError> {
  const { code, message, hint } = await imageProblem(file, error, bytes);
  const place = source ?? { file };
  return new IssuesError([
    {
      code,
      severity: 'error',
      ...place,
      message: `${shortPath(file)} ${message}`,
      ...(hint !== undefined && { hint }),
    },
  ]);
}
