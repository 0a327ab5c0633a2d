import { existsSync, statSync } from 'node:fs';
import { basename, isAbsolute, join, parse } from 'node:path';
import type { Issue } from '../issue.ts';
import { openImageSize } from './image-size.ts';

/** Endings that images of annotations have. */
export const IMAGE_ENDINGS = ['.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp', '.JPG', '.JPEG', '.PNG'];

/** Finds the pictures that annotations name. */
export class ImageLookup {
  readonly folders: readonly string[];

  /** @param folders absolute, in the order in which they are looked through; those that are not there do not count */
  constructor(folders: readonly string[]) {
    this.folders = [...new Set(folders)].filter((folder) => existsSync(folder));
  }

  /** The file of this name, or of the bare file name, in the first folder that has it. */
  find(name: string): { file: string; bytes: number } | undefined {
    const plain = name.replaceAll('\\', '/');
    const names = [...new Set([plain, basename(plain)])];
    const candidates = isAbsolute(plain)
      ? [plain, ...this.folders.map((folder) => join(folder, basename(plain)))]
      : names.flatMap((one) => this.folders.map((folder) => join(folder, one)));
    for (const file of candidates) {
      const stats = statSync(file, { throwIfNoEntry: false });
      if (stats?.isFile()) return { file, bytes: stats.size };
    }
    return undefined;
  }

  /** The picture whose name differs in its ending only. */
  findByStem(name: string): { file: string; bytes: number } | undefined {
    const { dir, name: stem } = parse(name);
    for (const ending of IMAGE_ENDINGS) {
      const found = this.find(join(dir, stem + ending));
      if (found) return found;
    }
    return undefined;
  }
}

/** An image with the size that its annotation gives; 0 where it gives none. */
interface Sized {
  readonly file: string;
  readonly source: { readonly file: string; readonly line?: number };
  width: number;
  height: number;
}

const AT_ONCE = 32;

/** `settleSize` for many images. */
export async function settleSizes(images: readonly Sized[]): Promise<Issue[]> {
  const issues: Issue[] = [];
  for (let start = 0; start < images.length; start += AT_ONCE)
    for (const issue of await Promise.all(images.slice(start, start + AT_ONCE).map(settleSize)))
      if (issue) issues.push(issue);
  return issues;
}

/**
 * Compares the sizes that annotations give with those of the files, and fills in those that are missing. Only the heads of files
 * are read.
 */
export async function settleSize(image: Sized): Promise<Issue | null> {
  const found = await openImageSize(image.file);
  if (found === null) {
    const message = `${image.file} cannot be opened as an image`;
    return { code: 'image-unreadable', severity: 'error', ...image.source, message };
  }
  const { width, height } = image;
  if (width <= 0 || height <= 0) {
    image.width = found.width;
    image.height = found.height;
    return null;
  }
  if (width === found.width && height === found.height) return null;
  const turned = width === found.height && height === found.width;
  const message = `${basename(image.file)} has ${found.width} × ${found.height} pixels, its annotation says ${width} × ${height}`;
  const hint = turned
    ? 'it was annotated lying on its side: its boxes are not where they should be'
    : 'boxes are taken as shares of the size that the annotation gives';
  return { code: 'image-size', severity: turned ? 'error' : 'warning', ...image.source, message, hint };
}
