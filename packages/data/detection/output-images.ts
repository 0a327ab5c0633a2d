import { copyFile, link, mkdir, realpath } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';
import type { AnnotatedImage } from './annotated-image.ts';

/** Names without folders for images, each with a stem of its own: labels are found by it. `a/1.jpg` and `b/1.jpg` become `a_1.jpg` and `b_1.jpg`. */
export function flatNames(images: readonly AnnotatedImage[]): Map<AnnotatedImage, string> {
  const plain = images.map(({ name }) => parse(name));
  const counts = new Map<string, number>();
  for (const { name } of plain) counts.set(name, (counts.get(name) ?? 0) + 1);
  const taken = new Set<string>();
  return new Map(
    images.map((image, i) => {
      const { dir, name, ext } = plain[i];
      const folders = dir.split('/').filter((folder) => !['', '.', '..'].includes(folder));
      const wanted = counts.get(name) === 1 ? name : [...folders, name].join('_');
      let stem = wanted;
      for (let n = 2; taken.has(stem.toLowerCase()); n++) stem = `${wanted}-${n}`;
      taken.add(stem.toLowerCase());
      return [image, stem + ext];
    }),
  );
}

/** Puts an image where the layout of a format wants it: as a further name of the same file, or a copy on another disk. */
export async function placeImage(file: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const real = await realpath(file);
  if ((await realpath(target).catch(() => null)) === real) return;
  try {
    await link(real, target);
  } catch {
    await copyFile(real, target);
  }
}

const AT_ONCE = 32;

/** `placeImage` for many. */
export async function placeImages(names: ReadonlyMap<AnnotatedImage, string>, folder: string): Promise<void> {
  const all = [...names];
  for (let start = 0; start < all.length; start += AT_ONCE)
    await Promise.all(
      all.slice(start, start + AT_ONCE).map(([{ file }, name]) => placeImage(file, join(folder, name))),
    );
}

/** A coordinate as text: no more digits than floating point has right. */
export const decimal = (value: number, digits: number): number => Number(value.toFixed(digits));
