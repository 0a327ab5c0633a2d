import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { openImage } from '../../decode-file.ts';
import type { LabelledObject } from '../../detection/object-record.ts';
import { MOST_PIXELS } from '../../image-problem.ts';
import { sharp } from '../../sharp.ts';

/** Longer side in pixels: sharp on screens of twice the density at half of it. */
const SIDE = 160;
const QUALITY = 60;

/** Where an object is. */
export type FramedObject = Pick<LabelledObject, 'box' | 'polygons'>;

export interface ThumbnailOptions {
  /** What is to be drawn on pictures, by file: outlines of objects, or frames of those that have none. */
  readonly objects?: ReadonlyMap<string, readonly FramedObject[]> | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Small upright pictures as data URIs, by file, some kilobytes each. A file that cannot be decoded has none. */
export async function thumbnailsOf(
  files: Iterable<string>,
  { objects, onProgress, signal }: ThumbnailOptions = {},
): Promise<ReadonlyMap<string, string>> {
  const all = [...new Set(files)];
  const made = new Map<string, string>();
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < all.length) {
      signal?.throwIfAborted();
      const file = all[next++];
      const thumbnail = await thumbnailOf(file, objects?.get(file) ?? []).catch(() => null);
      if (thumbnail !== null) made.set(file, thumbnail);
      onProgress?.(++done, all.length);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() * 2 }, work));
  return made;
}

async function thumbnailOf(file: string, objects: readonly FramedObject[]): Promise<string> {
  const image = openImage(await readFile(file), { limitInputPixels: MOST_PIXELS, failOn: 'error' }).autoOrient();
  // Alpha is dropped, not blended: this is what the network sees.
  const small = image.removeAlpha().resize(SIDE, SIDE, { fit: 'inside', withoutEnlargement: true });
  if (objects.length === 0) return asUri(await small.webp({ quality: QUALITY }).toBuffer());
  const { data, info } = await small.toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const frames = sharp(data, { raw: { width, height, channels } })
    .composite([{ input: Buffer.from(framesAsSvg(objects, width, height)) }])
    .webp({ quality: QUALITY });
  return asUri(await frames.toBuffer());
}

const asUri = (webp: Buffer): string => `data:image/webp;base64,${webp.toString('base64')}`;

/** At this size names would hide what is framed. */
function framesAsSvg(objects: readonly FramedObject[], width: number, height: number): string {
  const short = (value: number): string => value.toFixed(1);
  const frames = objects.flatMap(({ box: [x1, y1, x2, y2], polygons }) => {
    const pieces = polygons ?? [[x1, y1, x2, y1, x2, y2, x1, y2]];
    return pieces.map((piece) => {
      const points = piece.map((value, i) => short(value * (i % 2 === 0 ? width : height))).join(' ');
      return `<polygon points="${points}" stroke="#000" stroke-width="3"/><polygon points="${points}" stroke="#ffe100" stroke-width="1.5"/>`;
    });
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" fill="none" stroke-linejoin="round">${frames.join('')}</svg>`;
}
