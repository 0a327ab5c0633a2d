import { readFileSync } from 'node:fs';
import { imageProblem, MOST_PIXELS } from './image-problem.ts';
import { IssuesError, shortPath } from './issue.ts';
import { copyUpright, jpegOrientation, type Orientation, storedBox, turnedSize, UPRIGHT } from './orientation.ts';
import { type Box, type Interpolation, resample, sourcePixels } from './resample.ts';
import { sharp } from './sharp.ts';
import { type Eighths, scaled, turboJpeg } from './turbojpeg.ts';

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
  /** Default: bilinear. Either averages over all pixels that a smaller image is made of. */
  readonly interpolation?: Interpolation;
  /** Part of the resized image to keep, in whole pixels. Default: all of it. */
  readonly cropAfter?: Box;
  /** Mirrors left to right. */
  readonly flip?: boolean;
  /** Mirrors top to bottom. */
  readonly flipVertical?: boolean;
  /** Arguments for the loader's augment module; what can be sent to a worker. */
  readonly augment?: unknown;
  /**
   * Lets a JPEG be decoded at a fraction of its size when it is resized to much less anyway: several times faster, with pixels
   * that differ a little from the exact ones. For training, not for what is measured.
   */
  readonly fast?: boolean;
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
 * @param target receives the pixels, when given; of the length `width · height · 3`
 * @throws IssuesError naming the file (and `source`) when it cannot be read
 * @throws RangeError for a crop that is not inside of the image
 */
export async function decodeImage(decode: Decode, target?: Uint8Array): Promise<Pixels> {
  const { width, height } = decode.cropAfter ?? decode.resize;
  const pixels = target ?? new Uint8Array(width * height * 3);
  if (pixels.length !== width * height * 3)
    throw new RangeError(`${width} × ${height} pixels do not fit into ${pixels.length} bytes`);
  requireInside(decode.cropAfter, decode.resize, 'cropAfter');
  try {
    // An asynchronous read goes through four queues of threads, a fifth of the time that a small JPEG takes in all.
    const bytes = decode.bytes ?? readFileSync(decode.file);
    if (!decodeJpeg(bytes, decode, pixels)) await decodeAny(bytes, decode, pixels);
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw await unreadable(decode, error);
  }
  return { pixels, width, height };
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
    const stored = turboJpeg()?.size(bytes);
    if (stored) return turnedSize(stored, jpegOrientation(bytes));
    return (await sharp(bytes, { limitInputPixels: MOST_PIXELS }).metadata()).autoOrient;
  } catch (error) {
    throw await unreadable(image, error);
  }
}

/** By libturbojpeg. False when it is not there, or the file is not a plain JPEG without faults. */
function decodeJpeg(bytes: Uint8Array, decode: Decode, target: Uint8Array): boolean {
  const decoder = turboJpeg();
  const stored = decoder?.size(bytes);
  if (!decoder || !stored || stored.width * stored.height > MOST_PIXELS) return false;
  const orientation = jpegOrientation(bytes);
  const crop = cropOf(decode, turnedSize(stored, orientation));
  const eighths = decode.fast ? fewestEighths(crop, decode.resize) : 8;
  const source = { width: scaled(stored.width, eighths), height: scaled(stored.height, eighths) };
  if (!decoder.decode(bytes, eighths, sourcePixels(source.width * source.height * 3))) return false;
  stretch(source, eighths / 8, storedBox(crop, stored, orientation), orientation, decode, target);
  return true;
}

/** By sharp: every format, and the word on whether a file is broken. */
async function decodeAny(bytes: Uint8Array, decode: Decode, target: Uint8Array): Promise<void> {
  const image = sharp(bytes, { ignoreIcc: true, failOn: 'error', limitInputPixels: MOST_PIXELS }).autoOrient();
  const { data, info } = await image.removeAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  const crop = cropOf(decode, info);
  const source = sourcePixels(info.width * info.height * 3);
  if (info.channels === 3) source.set(data);
  else
    for (let from = 0, to = 0; from < data.length; from += info.channels, to += 3) source.fill(data[from], to, to + 3);
  stretch(info, 1, crop, UPRIGHT, decode, target);
}

/** Resizes what stands in `sourcePixels`. `box` and `orientation` are about pixels as stored, before they were scaled. */
function stretch(
  source: Size,
  scale: number,
  box: Box,
  orientation: Orientation,
  decode: Decode,
  target: Uint8Array,
): void {
  const size = turnedSize(decode.resize, orientation);
  const whole = { left: 0, top: 0, ...decode.resize };
  const window = storedBox(decode.cropAfter ?? whole, size, orientation);
  const part = { left: box.left * scale, top: box.top * scale, width: box.width * scale, height: box.height * scale };
  const { interpolation, flip = false, flipVertical = false } = decode;
  const resampling = { source, region: around(part, source), box: part, size, window, interpolation };
  if (orientation === UPRIGHT && !flip && !flipVertical) {
    resample(resampling, target);
  } else {
    const turned = new Uint8Array(target.length);
    resample(resampling, turned);
    copyUpright(turned, window, orientation, { across: flip, down: flipVertical }, target);
  }
}

/** The smallest box of whole pixels around `box`. */
function around(box: Box, { width, height }: Size): Box {
  const [left, top] = [Math.floor(box.left), Math.floor(box.top)];
  const right = Math.min(width, Math.ceil(box.left + box.width));
  const bottom = Math.min(height, Math.ceil(box.top + box.height));
  return { left, top, width: right - left, height: bottom - top };
}

/**
 * How much larger than the result a decoded JPEG has to be at least, so that the resize still has something to average. On photos
 * the mean difference to the exact pixels is then below one level; at 1 it is twice as large, for a few percent of time.
 */
const FAST_MARGIN = 1.5;

function fewestEighths(crop: Size, resize: Size): Eighths {
  const enough = (eighths: Eighths) =>
    (crop.width * eighths) / 8 >= resize.width * FAST_MARGIN &&
    (crop.height * eighths) / 8 >= resize.height * FAST_MARGIN;
  return ([1, 2, 4] as const).find(enough) ?? 8;
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
