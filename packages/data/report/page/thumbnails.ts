import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { openImage } from '../../decode-file.ts';
import type { NormalisedBox } from '../../detection/object-record.ts';
import { MOST_PIXELS } from '../../image-problem.ts';
import { sharp } from '../../sharp.ts';

/** Longer side in pixels: sharp on screens of twice the density at half of it. */
const SIDE = 160;
const QUALITY = 60;

export interface ThumbnailOptions {
  /** Frames to be drawn on pictures, by file. */
  readonly boxes?: ReadonlyMap<string, readonly NormalisedBox[]> | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Small upright pictures as data URIs, by file, some kilobytes each. A file that cannot be decoded has none. */
export async function thumbnailsOf(
  files: Iterable<string>,
  { boxes, onProgress, signal }: ThumbnailOptions = {},
): Promise<ReadonlyMap<string, string>> {
  const all = [...new Set(files)];
  const made = new Map<string, string>();
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < all.length) {
      signal?.throwIfAborted();
      const file = all[next++];
      const thumbnail = await thumbnailOf(file, boxes?.get(file) ?? []).catch(() => null);
      if (thumbnail !== null) made.set(file, thumbnail);
      onProgress?.(++done, all.length);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() * 2 }, work));
  return made;
}

async function thumbnailOf(file: string, boxes: readonly NormalisedBox[]): Promise<string> {
  const image = openImage(await readFile(file), { limitInputPixels: MOST_PIXELS, failOn: 'error' }).autoOrient();
  // Alpha is dropped, not blended: this is what the network sees.
  const small = image.removeAlpha().resize(SIDE, SIDE, { fit: 'inside', withoutEnlargement: true });
  if (boxes.length === 0) return asUri(await small.webp({ quality: QUALITY }).toBuffer());
  const { data, info } = await small.toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const frames = sharp(data, { raw: { width, height, channels } })
    .composite([{ input: Buffer.from(framesAsSvg(boxes, width, height)) }])
    .webp({ quality: QUALITY });
  return asUri(await frames.toBuffer());
}

const asUri = (webp: Buffer): string => `data:image/webp;base64,${webp.toString('base64')}`;

/** At this size names would hide what is framed. */
function framesAsSvg(boxes: readonly NormalisedBox[], width: number, height: number): string {
  const frames = boxes.map(([x1, y1, x2, y2]) => {
    const corner = `x="${(x1 * width).toFixed(1)}" y="${(y1 * height).toFixed(1)}"`;
    const size = `width="${((x2 - x1) * width).toFixed(1)}" height="${((y2 - y1) * height).toFixed(1)}"`;
    return `<rect ${corner} ${size} stroke="#000" stroke-width="3"/><rect ${corner} ${size} stroke="#ffe100" stroke-width="1.5"/>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" fill="none">${frames.join('')}</svg>`;
}
