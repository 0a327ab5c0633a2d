import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** An image file that an `image_url` means, or the folders in which it is not. */
export type ImageLocation =
  | { readonly file: string; readonly bytes: number }
  | { readonly lookedIn: readonly string[] };

/**
 * Finds the local files that `image_url`s mean.
 *
 * - an absolute path, `file://…`: that file
 * - a relative path: from the folder of the annotation file, then that of the table, then the working directory
 * - a cloud URI (`azureml://…/datastores/<ds>/paths/<path>`, `AmlDatastore://<ds>/<path>`, `https://…`, …): the images are
 *   looked for in a local copy. The URI's path below each root, then the path without its first folder, and so on to the
 *   bare file name: `…/paths/LocalUpload/c68/fridge/can/1.jpg` finds `fridge/can/1.jpg` beside the annotations.
 */
export class ImageFinder {
  readonly #folder: string;
  readonly #imagesFolder: string | undefined;
  readonly #isFolder = new Map<string, Promise<boolean>>();

  /**
   * @param folder absolute folder of the table; it and its parent are the roots of local copies
   * @param imagesFolder absolute folder where bare file names are looked for, too
   */
  constructor(folder: string, imagesFolder?: string) {
    this.#folder = folder;
    this.#imagesFolder = imagesFolder;
  }

  /** @param from absolute folder of the file that `url` stands in */
  async find(url: string, from: string): Promise<ImageLocation> {
    const roots = [...new Set([from, this.#folder, dirname(this.#folder)])];
    const beside = this.#imagesFolder !== undefined && !/[/\\]/.test(url) ? [this.#imagesFolder] : [];
    const candidates = isRemote(url)
      ? copies(url, roots)
      : localCandidates(url, [from, this.#folder, ...beside, process.cwd()]);
    for (const candidate of candidates) {
      if (!(await this.#hasFolder(dirname(candidate)))) continue;
      const stats = await statOrNull(candidate);
      if (stats?.isFile()) return { file: candidate, bytes: stats.size };
    }
    return { lookedIn: isRemote(url) ? roots : [...new Set(candidates.map((candidate) => dirname(candidate)))] };
  }

  /** Most candidates of most records fail at their folder, and there are few folders: they are asked for once. */
  #hasFolder(folder: string): Promise<boolean> {
    let known = this.#isFolder.get(folder);
    if (known === undefined) {
      known = statOrNull(folder).then((stats) => stats?.isDirectory() ?? false);
      this.#isFolder.set(folder, known);
    }
    return known;
  }
}

/** Whether an `image_url` names a place that is not on this machine. */
export function isRemote(url: string): boolean {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(url) && !/^file:/i.test(url);
}

function localCandidates(url: string, folders: readonly string[]): string[] {
  if (!/^file:/i.test(url)) return [...new Set(folders.map((folder) => resolve(folder, url)))];
  try {
    return [fileURLToPath(url)];
  } catch {
    return [];
  }
}

/** Where a copy of a remote file may be, the longest part of its path first. */
function copies(url: string, roots: readonly string[]): string[] {
  // What only says which store it is in stands before /paths/, or is the host.
  const path = /\/paths\/(.*)$/i.exec(url)?.[1] ?? url.replace(/^[^:]+:\/\/[^/]*\/?/, '');
  const plain = /^https?:/i.test(url) ? path.replace(/[?#].*$/, '') : path;
  const spellings = new Set([plain, decoded(plain)]);
  return [...spellings].flatMap((spelling) => {
    const segments = spelling.split('/').filter((segment) => segment !== '' && segment !== '.');
    // A path that climbs out of its store names nothing that could have been copied.
    if (segments.includes('..')) return [];
    return segments.flatMap((_, dropped) => roots.map((root) => join(root, ...segments.slice(dropped))));
  });
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

async function statOrNull(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch {
    return null;
  }
}
