import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { openImage } from '../../decode-file.ts';
import { MOST_PIXELS } from '../../image-problem.ts';

/** Longer side in pixels: sharp on screens of twice the density at half of it. */
const SIDE = 160;
const QUALITY = 60;

export interface ThumbnailOptions {
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Small upright pictures as data URIs, by file, some kilobytes each. A file that cannot be decoded has none. */
export async function thumbnailsOf(
  files: Iterable<string>,
  { onProgress, signal }: ThumbnailOptions = {},
): Promise<ReadonlyMap<string, string>> {
  const all = [...new Set(files)];
  const made = new Map<string, string>();
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < all.length) {
      signal?.throwIfAborted();
      const file = all[next++];
      const thumbnail = await thumbnailOf(file).catch(() => null);
      if (thumbnail !== null) made.set(file, thumbnail);
      onProgress?.(++done, all.length);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() * 2 }, work));
  return made;
}

async function thumbnailOf(file: string): Promise<string> {
  const image = openImage(await readFile(file), { limitInputPixels: MOST_PIXELS, failOn: 'error' }).autoOrient();
  // Alpha is dropped, not blended: this is what the network sees.
  const small = image.removeAlpha().resize(SIDE, SIDE, { fit: 'inside', withoutEnlargement: true });
  return `data:image/webp;base64,${(await small.webp({ quality: QUALITY }).toBuffer()).toString('base64')}`;
}
