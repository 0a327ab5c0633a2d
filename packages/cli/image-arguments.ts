import { glob, readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';

const imageEndings = ['.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.bmp', '.tif', '.tiff', '.webp', '.gif', '.avif'];

/**
 * The images that the words of a command line mean, in their order: a file is itself, a folder all images below it, and a pattern
 * that the shell left alone (`'photos/*.jpg'`) what it matches. A word that means nothing stays, for the one who opens it to report.
 */
export async function imageArguments(words: readonly string[]): Promise<string[]> {
  const found = await Promise.all(words.map(imagesOf));
  return found.flat();
}

async function imagesOf(word: string): Promise<string[]> {
  const stats = await stat(word).catch(() => null);
  if (stats?.isDirectory()) {
    const names = await readdir(word, { recursive: true });
    const images = names
      .filter(isImage)
      .sort()
      .map((name) => join(word, name));
    return images.length > 0 ? images : [word];
  }
  if (stats !== null || !/[*?[{]/.test(word)) return [word];
  const matches = (await Array.fromAsync(glob(word))).sort();
  return matches.length > 0 ? matches : [word];
}

/** Whether a file's name is that of an image. */
export function isImage(name: string): boolean {
  return imageEndings.includes(extname(name).toLowerCase());
}
