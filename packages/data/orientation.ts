import type { Box } from './resample.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * How the pixels of a file relate to the picture that is meant (EXIF tag 0x0112): column and row are swapped, then the
 * file's columns run from right to left, its rows from bottom to top.
 */
export interface Orientation {
  readonly swapped: boolean;
  readonly fromRight: boolean;
  readonly fromBottom: boolean;
}

export const UPRIGHT: Orientation = { swapped: false, fromRight: false, fromBottom: false };

/** By the value of the EXIF tag, 1 … 8. */
export const ORIENTATIONS: readonly Orientation[] = [
  UPRIGHT,
  { swapped: false, fromRight: true, fromBottom: false },
  { swapped: false, fromRight: true, fromBottom: true },
  { swapped: false, fromRight: false, fromBottom: true },
  { swapped: true, fromRight: false, fromBottom: false },
  { swapped: true, fromRight: false, fromBottom: true },
  { swapped: true, fromRight: true, fromBottom: true },
  { swapped: true, fromRight: true, fromBottom: false },
];

/** The orientation that a JPEG names in its EXIF block; upright when it has none, or one that makes no sense. */
export function jpegOrientation(jpeg: Uint8Array): Orientation {
  const view = new DataView(jpeg.buffer, jpeg.byteOffset, jpeg.byteLength);
  try {
    for (let at = 2; view.getUint8(at) === 0xff; at += 2 + view.getUint16(at + 2)) {
      while (view.getUint8(at + 1) === 0xff) at++;
      const marker = view.getUint8(at + 1);
      if (marker === 0xda || marker === 0xd9) break;
      const isExif = marker === 0xe1 && view.getUint32(at + 4) === 0x45786966 && view.getUint16(at + 8) === 0;
      if (isExif) return ORIENTATIONS[exifOrientation(view, at + 10) - 1] ?? UPRIGHT;
    }
  } catch (error) {
    // The file ends in the middle of a header: the decoder will say so.
    if (!(error instanceof RangeError)) throw error;
  }
  return UPRIGHT;
}

/** Tag 0x0112 of the first directory of a TIFF structure. */
function exifOrientation(view: DataView, tiff: number): number {
  const littleEndian = view.getUint16(tiff) === 0x4949;
  const directory = tiff + view.getUint32(tiff + 4, littleEndian);
  const entries = view.getUint16(directory, littleEndian);
  for (let i = 0; i < entries; i++) {
    const entry = directory + 2 + i * 12;
    if (view.getUint16(entry, littleEndian) === 0x0112) return view.getUint16(entry + 8, littleEndian);
  }
  return 1;
}

/** Size of the stored pixels when the picture has this size, and the other way round. */
export function turnedSize({ width, height }: Size, { swapped }: Orientation): Size {
  return swapped ? { width: height, height: width } : { width, height };
}

/** Where a part of the picture lies among the stored pixels; `stored` is their size. */
export function storedBox(box: Box, stored: Size, { swapped, fromRight, fromBottom }: Orientation): Box {
  const { left, top, width, height } = swapped
    ? { left: box.top, top: box.left, width: box.height, height: box.width }
    : box;
  return {
    left: fromRight ? stored.width - left - width : left,
    top: fromBottom ? stored.height - top - height : top,
    width,
    height,
  };
}

/**
 * Copies stored RGB pixels of a size into the picture that they mean.
 * @param mirrored the picture is mirrored after that: across is left to right
 */
export function copyUpright(
  pixels: Uint8Array,
  stored: Size,
  { swapped, fromRight, fromBottom }: Orientation,
  mirrored: { readonly across: boolean; readonly down: boolean },
  target: Uint8Array,
): void {
  const { width, height } = stored;
  const stepX = fromRight ? -3 : 3;
  const stepY = (fromBottom ? -3 : 3) * width;
  const origin = (fromRight ? (width - 1) * 3 : 0) + (fromBottom ? (height - 1) * width * 3 : 0);
  const [across, columns, down, rows] = swapped ? [stepY, height, stepX, width] : [stepX, width, stepY, height];
  const start = origin + (mirrored.across ? (columns - 1) * across : 0) + (mirrored.down ? (rows - 1) * down : 0);
  const step = mirrored.across ? -across : across;
  const rowStep = mirrored.down ? -down : down;
  let to = 0;
  for (let y = 0; y < rows; y++) {
    let from = start + y * rowStep;
    for (let x = 0; x < columns; x++, from += step, to += 3) {
      target[to] = pixels[from];
      target[to + 1] = pixels[from + 1];
      target[to + 2] = pixels[from + 2];
    }
  }
}
