import { mkdir, writeFile } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';

/** Writes the picture of an explanation. @returns its path */
export type KeepPicture = (file: string, label: string | null, png: Uint8Array) => Promise<string>;

const mostCharacters = 40;

/**
 * Pictures in a folder, each named after its image; where there are several of an image, after what they explain, too. No image that is
 * explained is written over, and no picture of this call.
 */
export function explanationPictures(folder: string, images: readonly string[]): KeepPicture {
  const taken = new Set(images.map((image) => resolve(image)));
  return async (file, label, png) => {
    const words = [basename(file, extname(file)), ...(label === null ? [] : [asPartOfName(label)])].join('-');
    let path = join(folder, `${words}.png`);
    for (let i = 2; taken.has(resolve(path)); i++) path = join(folder, `${words}-${i}.png`);
    taken.add(resolve(path));
    await mkdir(folder, { recursive: true });
    await writeFile(path, png);
    return path;
  };
}

/** A class may be called anything; a part of a file's name may not. */
const asPartOfName = (label: string) =>
  label
    .replace(/[^\p{L}\p{N}_]+/gu, '_')
    .slice(0, mostCharacters)
    .replace(/^_+|_+$/g, '') || 'label';
