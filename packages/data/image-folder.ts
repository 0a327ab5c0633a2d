import { readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, extname, join, relative, resolve } from 'node:path';
import { checkDataset, checkValidation, type Role } from './checks.ts';
import { classesOf, type Dataset, type ImageRecord } from './dataset.ts';
import type { Issue } from './issue.ts';
import type { Part } from './split-column.ts';

/** Endings of files that count as images. Whether such a file really is one, `verifyImages` finds out. */
const IMAGE_ENDINGS = ['.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.bmp', '.tif', '.tiff', '.webp', '.gif', '.avif'];
const VALIDATION_NAMES = ['val', 'valid', 'validation'];
const TEST_NAMES = ['test', 'testing'];
/** Left by systems and programs, never by people. */
const CLUTTER = ['thumbs.db', 'desktop.ini', '__macosx'];

export interface ReadFolderOptions {
  /** A training set needs ten images and two classes, a validation set one image. Default `training`. */
  role?: Role;
  /** Of a folder with `train/`, the images of this part alone. Default: training, with validation beside it. */
  part?: Part;
}

/**
 * Reads a folder of class folders (`ants/`, `bees/`), or one with `train/` and perhaps `val/`, `valid/` or `validation/` and
 * `test/` that hold the class folders. The name of a class folder is the label of all images in it, however deep. Nothing is thrown for
 * what is wrong: every problem is an issue. Issues about files have the folder as `file` and name the rest in the message.
 * @returns `isSplit`: whether there is a `train/`; `testImages`: how many images `test/` keeps out of both sets
 */
export function readImageFolder(
  folder: string,
  { role = 'training', part }: ReadFolderOptions = {},
): { train: Dataset; validation?: Dataset; isSplit: boolean; testImages: number; issues: Issue[] } {
  const root = resolve(folder);
  const reader = new FolderReader(root);
  const empty = { name: basename(root), classes: [], records: [] };
  const none = { train: empty, isSplit: false, testImages: 0, issues: reader.issues };
  const stats = statOrUndefined(root);
  if (!stats?.isDirectory()) {
    const message = stats ? 'it is a file, not a folder' : 'there is no such folder';
    reader.report(
      'error',
      'not-there',
      message,
      'give a folder of class folders, such as pictures/ with cats/ and dogs/ in it',
    );
    return none;
  }
  const read = (name: string) => reader.readClasses(join(root, name), `${basename(root)}/${name}`);
  const check = (set: Dataset, where: string) => {
    if (!reader.hasErrors()) reader.issues.push(...checkDataset(set, { role, labelKind: 'multiclass', where }));
  };
  const names = reader.folders(root);
  const trainFolder = names.find((name) => name.toLowerCase() === 'train' && reader.holdsFolders(join(root, name)));
  if (trainFolder === undefined) {
    const dataset = reader.readClasses(root, basename(root));
    check(dataset, root);
    return { ...none, train: dataset };
  }
  const folders: Record<Part, string[]> = {
    train: [trainFolder],
    validation: names.filter((name) => VALIDATION_NAMES.includes(name.toLowerCase())),
    test: names.filter((name) => TEST_NAMES.includes(name.toLowerCase())),
  };
  if (part !== undefined) {
    const [chosen] = folders[part];
    if (folders[part].length === 1) {
      const dataset = read(chosen);
      check(dataset, join(root, chosen));
      return { ...none, train: dataset, isSplit: true };
    }
    const message = chosen === undefined ? `there is no ${part}/` : `there are ${listOfFolders(folders[part])}`;
    reader.report('error', 'no-such-part', message, `the folders are ${listOfFolders(names)}`);
    return { ...none, isSplit: true };
  }

  for (const name of names.filter((one) => !Object.values(folders).flat().includes(one))) {
    reader.report(
      'warning',
      'folder-left-out',
      `${name}/ is left out`,
      `only ${trainFolder}/ and a validation folder (val/) are used`,
    );
  }
  if (folders.validation.length > 1) {
    const message = `there are ${listOfFolders(folders.validation)}`;
    reader.report('error', 'two-validation-folders', message, 'keep one validation folder');
  }
  const training = read(trainFolder);
  check(training, join(root, trainFolder));
  const testImages = folders.test.reduce((sum, name) => sum + reader.countImages(join(root, name)), 0);
  if (folders.validation.length !== 1) return { ...none, train: training, isSplit: true, testImages };
  const validation = read(folders.validation[0]);
  const issues = reader.issues.concat(checkValidation(training, validation));
  return { train: training, validation, isSplit: true, testImages, issues };
}

const listOfFolders = (names: readonly string[]) => names.map((name) => `${name}/`).join(' and ');

interface Entry {
  readonly name: string;
  readonly stats: Stats;
}

class FolderReader {
  readonly issues: Issue[] = [];
  readonly #root: string;
  readonly #listings = new Map<string, Entry[]>();

  constructor(root: string) {
    this.#root = root;
  }

  report(severity: Issue['severity'], code: string, message: string, hint?: string): void {
    this.issues.push({ code, severity, file: this.#root, message, ...(hint !== undefined && { hint }) });
  }

  hasErrors(): boolean {
    return this.issues.some((issue) => issue.severity === 'error');
  }

  /** Names of the folders in `folder`, sorted. */
  folders(folder: string): string[] {
    return this.#entries(folder).flatMap(({ name, stats }) => (stats.isDirectory() ? [name] : []));
  }

  /** A `train` that holds images itself is a class of trains. */
  holdsFolders(folder: string): boolean {
    const entries = this.#entries(folder);
    return (
      entries.some(({ stats }) => stats.isDirectory()) &&
      !entries.some(({ name, stats }) => stats.isFile() && isImageName(name))
    );
  }

  /** Images in a folder that is only to be counted. */
  countImages(folder: string): number {
    return readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
      (entry) => !entry.isDirectory() && isImageName(entry.name),
    ).length;
  }

  /** Reads the class folders in `folder`. */
  readClasses(folder: string, name: string): Dataset {
    const records: ImageRecord[] = [];
    const beside: string[] = [];
    const classFolders: string[] = [];
    for (const entry of this.#entries(folder)) {
      if (entry.stats.isDirectory()) classFolders.push(entry.name);
      else if (isImageName(entry.name)) beside.push(entry.name);
    }
    if (beside.length > 0) {
      const message = `${listed(beside.map((file) => this.#short(join(folder, file))))} ${beside.length > 1 ? 'lie' : 'lies'} in no class folder`;
      this.report('error', 'image-without-class', message, 'move each image into a folder named after its class');
    } else if (classFolders.length === 0) {
      const where = folder === this.#root ? 'it has' : `${this.#short(folder)}/ has`;
      this.report(
        'error',
        'no-class-folders',
        `${where} no class folders`,
        'put the images of each class in a folder of its own, such as cats/ and dogs/',
      );
    }
    for (const label of classFolders) {
      const images = this.#imagesBelow(join(folder, label), new Set([realpathSync(this.#root), realpathSync(folder)]));
      if (images.length === 0) {
        this.report(
          'error',
          'empty-class',
          `${this.#short(join(folder, label))}/ has no images`,
          'put images in it, or remove it',
        );
      }
      for (const { file, bytes } of images) {
        records.push({ file, labels: [label], source: { file: this.#root }, width: 0, height: 0, bytes });
      }
    }
    return { name, classes: classesOf(records), records };
  }

  /** All images below a class folder. `above` holds the real paths on the way down: a link back up is not followed. */
  #imagesBelow(folder: string, above: ReadonlySet<string>): { file: string; bytes: number }[] {
    const real = realpathSync(folder);
    if (above.has(real)) return [];
    return this.#entries(folder).flatMap(({ name, stats }) => {
      const path = join(folder, name);
      if (stats.isDirectory()) return this.#imagesBelow(path, new Set([...above, real]));
      if (isImageName(name) && stats.isFile()) return [{ file: path, bytes: stats.size }];
      this.report('warning', 'not-an-image', `${this.#short(path)} is left out: not an image by its name`);
      return [];
    });
  }

  /** What is in a folder, sorted by name, links followed; hidden files and clutter are as if they were not there. */
  #entries(folder: string): Entry[] {
    const known = this.#listings.get(folder);
    if (known) return known;
    const entries = this.#list(folder).flatMap((name) => {
      if (name.startsWith('.') || CLUTTER.includes(name.toLowerCase())) return [];
      const stats = statOrUndefined(join(folder, name));
      if (stats) return [{ name, stats }];
      this.report(
        'error',
        'dangling-link',
        `${this.#short(join(folder, name))} is a link to something that is not there`,
      );
      return [];
    });
    this.#listings.set(folder, entries);
    return entries;
  }

  #list(folder: string): string[] {
    try {
      return readdirSync(folder).sort();
    } catch (error) {
      const reason =
        error instanceof Error && 'code' in error && error.code === 'EACCES' ? 'you may not read it' : String(error);
      this.report('error', 'folder-unreadable', `${this.#short(folder)}/ cannot be opened: ${reason}`);
      return [];
    }
  }

  #short(path: string): string {
    return relative(this.#root, path);
  }
}

/** Whether a file counts as an image, by its ending. */
export function isImageName(name: string): boolean {
  return IMAGE_ENDINGS.includes(extname(name).toLowerCase());
}

/** The first few names, and how many more there are. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${(names.length - 5).toLocaleString('en')} more` : shown;
}

function statOrUndefined(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
