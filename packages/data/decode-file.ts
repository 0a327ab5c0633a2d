import { bmpSize, decodeBmp, isBmp } from './bmp.ts';
import { cmykToRgb, invert } from './cmyk.ts';
import type { DecodedImage } from './decoded-image.ts';
import { isGif, withoutTransparency } from './gif.ts';
import { MOST_PIXELS, requireFewPixels } from './image-problem.ts';
import { jpegOrientation, turnedSize, UPRIGHT } from './orientation.ts';
import { sourcePixels } from './resample.ts';
import { type Sharp, type SharpOptions, sharp } from './sharp.ts';
import { type Eighths, scaled, turboJpeg } from './turbojpeg.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Decodes a file to RGB.
 *
 * @param fastFor the size that the image, or a part of it, will be resized to: a JPEG may then be decoded at a fraction of its own
 * @param use gets pixels in the memory of the resize, which are its own until it returns
 * @throws Error in the words of the decoder
 */
export async function decodeFile(
  bytes: Uint8Array,
  fastFor: Size | undefined,
  use: (image: DecodedImage) => void,
): Promise<void> {
  const jpeg = decodeJpeg(bytes, fastFor);
  use(jpeg ?? toSource(await decodeAny(bytes)));
}

/** By libturbojpeg. Undefined when it is not there, or the file is not a plain JPEG without faults. */
function decodeJpeg(bytes: Uint8Array, fastFor: Size | undefined): DecodedImage | undefined {
  const decoder = turboJpeg();
  const stored = decoder?.size(bytes);
  if (!decoder || !stored || stored.width * stored.height > MOST_PIXELS) return undefined;
  const orientation = jpegOrientation(bytes);
  const eighths = fastFor ? fewestEighths(turnedSize(stored, orientation), fastFor) : 8;
  const [width, height] = [scaled(stored.width, eighths), scaled(stored.height, eighths)];
  const pixels = sourcePixels(width * height * 3);
  const found = stored.channels === 3 ? pixels : new Uint8Array(width * height * 4);
  if (!decoder.decode(bytes, eighths, found)) return undefined;
  if (stored.channels === 4) {
    invert(found);
    cmykToRgb(found, pixels);
  }
  return { width, height, stored, orientation, eighths, pixels };
}

/**
 * How much larger than the result a JPEG is decoded at least, as a whole. The scale depends on the image and the size of the result
 * alone, not on the part that is taken of it: so one decoded image serves all epochs. At 2, random parts of a quarter of the image or
 * more are still made smaller; the few that are smaller than that come from fewer pixels than the file has. Training sets
 * that are kept at 1.2 to 2.3 times the size are common (Leclerc et al. 2023, FFCV: 256 to 512 pixels for 224).
 */
const FAST_MARGIN = 2;

function fewestEighths(image: Size, result: Size): Eighths {
  const enough = (eighths: Eighths) =>
    (image.width * eighths) / 8 >= result.width * FAST_MARGIN &&
    (image.height * eighths) / 8 >= result.height * FAST_MARGIN;
  return ([1, 2, 4] as const).find(enough) ?? 8;
}

interface Raw extends Size {
  readonly data: Uint8Array;
  readonly channels: number;
}

/** A file of any format, for sharp: a BMP, which it does not read, decoded already. */
export function openImage(bytes: Uint8Array, options: SharpOptions): Sharp {
  if (!isBmp(bytes)) return sharp(bytes, options);
  requireFewPixels(bmpSize(bytes));
  const { data, ...raw } = decodeBmp(bytes);
  return sharp(data, { ...options, raw });
}

/** Every format, and the word on whether a file is broken: by sharp, but for what it does not read. */
async function decodeAny(bytes: Uint8Array): Promise<Raw> {
  if (isBmp(bytes)) {
    requireFewPixels(bmpSize(bytes));
    return decodeBmp(bytes);
  }
  const opaque = isGif(bytes) ? withoutTransparency(bytes) : bytes;
  const image = sharp(opaque, { ignoreIcc: true, failOn: 'error', limitInputPixels: false });
  const { width, height, space } = await image.metadata();
  requireFewPixels({ width, height });
  const upright = image.autoOrient().removeAlpha();
  if (space !== 'cmyk') return raw(upright.toColourspace('srgb'));

  // Of a JPEG, libvips has turned the values round.
  const cmyk = await raw(upright.pipelineColourspace('cmyk').toColourspace('cmyk'));
  const data = new Uint8Array(cmyk.width * cmyk.height * 3);
  cmykToRgb(cmyk.data, data);
  return { ...cmyk, data, channels: 3 };
}

async function raw(image: Sharp): Promise<Raw> {
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels };
}

function toSource({ data, width, height, channels }: Raw): DecodedImage {
  const pixels = sourcePixels(width * height * 3);
  if (channels === 3) pixels.set(data);
  else for (let from = 0, to = 0; from < data.length; from += channels, to += 3) pixels.fill(data[from], to, to + 3);
  return { width, height, stored: { width, height }, orientation: UPRIGHT, eighths: 8, pixels };
}
