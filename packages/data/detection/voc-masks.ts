import { open } from 'node:fs/promises';
import { maskPolygons } from '../masks/mask-polygons.ts';
import { readMaskImage } from './mask-image.ts';

/** What VOC paints around objects, where nobody is sure: index 255 of its palette. */
const VOID_INDEX = 255;

/**
 * The outlines in a picture of `SegmentationObject/`, in shares of its size, in the order of the objects of its XML file: by their index in
 * the palette, as VOC has them, or by their colours where the picture has none.
 * @throws Error of the decoder when the file is no picture
 */
export async function vocOutlines(file: string): Promise<{ width: number; height: number; outlines: number[][][] }> {
  const { width, height, masks } = await readMaskImage(file);
  const indices = await paletteIndices(file);
  const found = [...masks].flatMap(([value, mask]) => {
    const index = indices?.get(value) ?? value;
    return indices !== null && index === VOID_INDEX ? [] : [{ index, mask }];
  });
  const outlines = found
    .sort((a, b) => a.index - b.index)
    .map(({ mask }) =>
      maskPolygons(mask).map((polygon) => polygon.map((value, i) => value / (i % 2 === 0 ? width : height))),
    );
  return { width, height, outlines };
}

const SIGNATURE = 8;
const CHUNK_HEAD = 8;
const CHUNK_SUM = 4;

/** Of the colours in a PNG's palette their first places there, by the values that `readMaskImage` gives; null without a palette. */
async function paletteIndices(file: string): Promise<Map<number, number> | null> {
  await using handle = await open(file);
  const head = Buffer.alloc(CHUNK_HEAD);
  const { size } = await handle.stat();
  for (let at = SIGNATURE; at + CHUNK_HEAD <= size; ) {
    await handle.read(head, 0, CHUNK_HEAD, at);
    const length = head.readUInt32BE(0);
    const kind = head.toString('latin1', 4);
    if (kind === 'IDAT' || kind === 'IEND') return null;
    if (kind === 'PLTE' && length <= 768) {
      const palette = Buffer.alloc(length);
      await handle.read(palette, 0, length, at + CHUNK_HEAD);
      const indices = new Map<number, number>();
      for (let i = 0; 3 * i + 2 < length; i++) {
        const [r, g, b] = palette.subarray(3 * i, 3 * i + 3);
        const value = r === g && g === b ? r : r * 65536 + g * 256 + b;
        if (!indices.has(value)) indices.set(value, i);
      }
      return indices;
    }
    at += CHUNK_HEAD + length + CHUNK_SUM;
  }
  return null;
}
