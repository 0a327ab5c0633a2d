import type { RunLengths } from '../masks/run-lengths.ts';
import { sharp } from '../sharp.ts';

/** What a picture of masks shows: of each value beside 0 its pixels. */
export interface MaskImage {
  readonly width: number;
  readonly height: number;
  /** By rising value: the grey value of one channel (8 or 16 bits), or `red · 65536 + green · 256 + blue` where there are colours. */
  readonly masks: ReadonlyMap<number, RunLengths>;
}

/**
 * Reads a picture whose values tell objects apart, as PNG, BMP or TIFF: 0 or black is background. Of 16-bit pictures every bit counts;
 * palettes are taken as their colours.
 * @throws Error of the decoder when the file is no picture
 */
export async function readMaskImage(file: string): Promise<MaskImage> {
  const { depth, space, width: wide, height: high } = await sharp(file).metadata();
  const isDeep = depth === 'ushort' && (space === 'grey16' || space === 'b-w');
  const decoder = isDeep ? sharp(file).removeAlpha().toColourspace('grey16') : sharp(file).removeAlpha();
  const { data, info } = await decoder
    .raw({ depth: isDeep ? 'ushort' : 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (width !== wide || height !== high)
    throw new Error(`its head says ${wide} × ${high} pixels, it has ${width} × ${height}`);
  const values = isDeep ? new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2) : data;
  return { width, height, masks: runsByValue({ values, channels, width, height }) };
}

function runsByValue({ values, channels, width, height }: Raster): Map<number, RunLengths> {
  const found = new Map<number, { counts: number[]; end: number }>();
  const take = (value: number, from: number, to: number): void => {
    if (value === 0) return;
    const mask = found.get(value) ?? { counts: [], end: 0 };
    found.set(value, mask);
    mask.counts.push(from - mask.end, to - from);
    mask.end = to;
  };
  let [current, begun] = [0, 0];
  for (let x = 0, pixel = 0; x < width; x++) {
    for (let y = 0; y < height; y++, pixel++) {
      const at = (y * width + x) * channels;
      let value = values[at];
      // Grey as three equal channels is grey.
      if (channels >= 3 && (values[at + 1] !== value || values[at + 2] !== value))
        value = value * 65536 + values[at + 1] * 256 + values[at + 2];
      if (value === current) continue;
      take(current, begun, pixel);
      [current, begun] = [value, pixel];
    }
  }
  take(current, begun, width * height);
  const sorted = [...found].sort(([a], [b]) => a - b);
  return new Map(
    sorted.map(([value, { counts, end }]) => [
      value,
      { height, width, counts: Uint32Array.from([...counts, width * height - end]) },
    ]),
  );
}

interface Raster {
  readonly values: Uint8Array | Uint16Array;
  readonly channels: number;
  readonly width: number;
  readonly height: number;
}
