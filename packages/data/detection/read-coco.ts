import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { Issue } from '../issue.ts';
import { boundsOf } from '../masks/polygon-bounds.ts';
import { describeValue } from '../row.ts';
import { type Part, partNamed } from '../split-column.ts';
import {
  type AnnotatedImage,
  type AnnotatedObject,
  type Annotations,
  type ImporterOptions,
  Losses,
} from './annotated-image.ts';
import { judgeBox } from './box.ts';
import { isNumbers, readSegmentation } from './coco-segmentation.ts';
import type { Frame, GeometryProblem, RepairOptions } from './geometry-problem.ts';
import { ImageLookup, settleSizes } from './image-lookup.ts';
import { readJsonSections } from './json-sections.ts';

/** The COCO files that a path means: itself, or those in the folder, in `annotations/`, or in a folder for each part. */
export function cocoFilesIn(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  const jsonIn = (folder: string) =>
    readdirSync(folder, { withFileTypes: true })
      .filter(
        (entry) =>
          entry.isFile() && /\.json$/i.test(entry.name) && !/^(captions|image_info|panoptic)_/.test(entry.name),
      )
      .map((entry) => join(folder, entry.name))
      .sort();
  const folders = readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && (entry.name === 'annotations' || partNamed(entry.name) !== undefined))
    .map((entry) => join(path, entry.name));
  const files = [...jsonIn(path), ...folders.flatMap(jsonIn)];
  const instances = files.filter((file) => basename(file).startsWith('instances_'));
  return instances.length > 0 ? instances : files;
}

/** What a file is for, by its name or that of its folder: `instances_train2017.json`, `valid/_annotations.coco.json`. */
export function partOfFile(file: string): Part | undefined {
  const words = basename(file)
    .replace(/\.[^.]*$/, '')
    .split(/[^a-z]+/i);
  return [...words, basename(dirname(file))].map(partNamed).find((part) => part !== undefined);
}

interface CocoImage {
  readonly id: unknown;
  readonly record: AnnotatedImage & { objects: AnnotatedObject[] };
}

interface RawAnnotation {
  readonly line: number;
  readonly id: unknown;
  readonly imageId: unknown;
  readonly categoryId: unknown;
  readonly box: unknown;
  readonly outline: unknown;
  readonly crowd: unknown;
}

const KNOWN_IN = {
  images: ['id', 'file_name', 'width', 'height'],
  categories: ['id', 'name'],
  annotations: ['id', 'image_id', 'category_id', 'bbox', 'segmentation', 'iscrowd'],
} as const;

type Section = keyof typeof KNOWN_IN;

/** Reads annotations in COCO's format, item by item; see `cocodataset.org/#format-data`. */
export async function readCoco(path: string, { imagesFolder, repair }: ImporterOptions = {}): Promise<Annotations> {
  const files = cocoFilesIn(path);
  const images: AnnotatedImage[] = [];
  const classes = new Map<string, number>();
  const losses = new Losses();
  let issues: Issue[] = [];
  for (const file of files) {
    const part = files.length > 1 ? partOfFile(file) : undefined;
    const reader = new CocoFile(file, part, lookupFor(file, path, imagesFolder), losses, { repair });
    const found = await reader.read();
    issues = issues.concat(reader.issues);
    for (const image of found.images) images.push(image);
    for (const name of found.classes) if (!classes.has(name)) classes.set(name, classes.size);
  }
  if (files.length === 0)
    issues.push({ code: 'no-coco', severity: 'error', file: path, message: 'there is no .json file in it' });
  return { images, classes: [...classes.keys()], issues, losses };
}

function lookupFor(file: string, path: string, imagesFolder: string | undefined): ImageLookup {
  const here = dirname(file);
  const above = dirname(here);
  const words = basename(file)
    .replace(/\.[^.]*$/, '')
    .split('_');
  const around = [...new Set([here, above, statSync(path).isDirectory() ? path : here])].flatMap((folder) => [
    folder,
    join(folder, 'images'),
    ...words.flatMap((word) => [join(folder, word), join(folder, 'images', word)]),
  ]);
  return new ImageLookup(
    imagesFolder === undefined ? around : [imagesFolder, ...around.filter((one) => relative(imagesFolder, one) !== '')],
  );
}

class CocoFile {
  readonly issues: Issue[] = [];
  readonly #file: string;
  readonly #part: Part | undefined;
  readonly #lookup: ImageLookup;
  readonly #losses: Losses;
  readonly #repair: RepairOptions;
  readonly #images = new Map<unknown, CocoImage>();
  readonly #categories = new Map<unknown, string>();
  readonly #annotations: RawAnnotation[] = [];

  constructor(file: string, part: Part | undefined, lookup: ImageLookup, losses: Losses, repair: RepairOptions) {
    this.#file = file;
    this.#part = part;
    this.#lookup = lookup;
    this.#losses = losses;
    this.#repair = repair;
  }

  async read(): Promise<{ images: AnnotatedImage[]; classes: string[] }> {
    const { rest, issues } = await readJsonSections(this.#file, (section, item, line) =>
      this.#item(section, item, line),
    );
    for (const issue of issues) this.issues.push(issue);
    if (issues.length > 0) return { images: [], classes: [] };
    for (const name of ['images', 'categories'])
      if (!Array.isArray(rest[name])) {
        const hint = `COCO has the lists images, annotations and categories; there are ${Object.keys(rest).join(', ') || 'none'}`;
        this.#say('error', 'no-section', 0, `it has no list ${name}`, hint);
      }
    for (const [name, value] of Object.entries(rest))
      if (!Object.hasOwn(KNOWN_IN, name) && !(Array.isArray(value) && value.length === 0))
        this.#losses.add(
          `coco-${name}`,
          `the section ${name}`,
          { file: this.#file },
          Array.isArray(value) ? value.length : 1,
        );
    for (const issue of await settleSizes([...this.#images.values()].map(({ record }) => record)))
      this.issues.push(issue);
    this.#settle();
    const ids = [...this.#categories.keys()].filter((id) => typeof id === 'number').sort((a, b) => a - b);
    const others = [...this.#categories.keys()].filter((id) => typeof id !== 'number');
    if (ids.some((id, i) => id !== i + 1))
      this.#losses.add(
        'coco-category-ids',
        'ids of categories (1 to n without gaps, in their order, when written as COCO)',
        { file: this.#file },
        ids.length,
      );
    const classes = [...ids, ...others].flatMap((id) => this.#categories.get(id) ?? []);
    return { images: [...this.#images.values()].map(({ record }) => record), classes };
  }

  #say(severity: Issue['severity'], code: string, line: number, message: string, hint?: string): void {
    this.issues.push({
      code,
      severity,
      file: this.#file,
      ...(line > 0 && { line }),
      message,
      ...(hint !== undefined && { hint }),
    });
  }

  #item(section: string, item: unknown, line: number): void {
    if (!Object.hasOwn(KNOWN_IN, section)) return;
    if (typeof item !== 'object' || item === null || Array.isArray(item)) {
      this.#say(
        'error',
        'not-an-object',
        line,
        `${section} has ${describeValue(item)} in its list`,
        'each is an object',
      );
      return;
    }
    const fields = item as Record<string, unknown>;
    const known: readonly string[] = KNOWN_IN[section as Section];
    for (const name of Object.keys(fields))
      if (!known.includes(name))
        this.#losses.add(`coco-${section}-${name}`, `${name} of ${section}`, { file: this.#file, line });
    if (section === 'images') this.#image(fields, line);
    else if (section === 'categories') this.#category(fields, line);
    else {
      const {
        id,
        image_id: imageId,
        category_id: categoryId,
        bbox: box,
        segmentation: outline,
        iscrowd: crowd,
      } = fields;
      this.#annotations.push({ line, id, imageId, categoryId, box, outline, crowd });
    }
  }

  #image(fields: Record<string, unknown>, line: number): void {
    const { id, file_name: name, width, height } = fields;
    if (typeof name !== 'string' || name === '') {
      this.#say(
        'error',
        'file-name',
        line,
        `file_name of an image is ${describeValue(name)}`,
        'it is the path of the image',
      );
      return;
    }
    if (id === undefined) {
      this.#say('error', 'no-id', line, `${name} has no id`, 'annotations name images by their ids');
      return;
    }
    const other = this.#images.get(id);
    if (other) {
      this.#say(
        'error',
        'id-twice',
        line,
        `image id ${id} is that of ${other.record.name}, too (line ${other.record.source.line})`,
        'each image has an id of its own',
      );
      return;
    }
    const found = this.#lookup.find(name);
    if (!found) {
      this.#say(
        'error',
        'image-missing',
        line,
        `${name} is not there (looked in ${this.#lookup.folders.join(', ')})`,
        'say where the images are: --images <folder>',
      );
      return;
    }
    const pixels = (value: unknown) => (typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : 0);
    const source = { file: this.#file, line };
    const size = { width: pixels(width), height: pixels(height) };
    this.#images.set(id, {
      id,
      record: { ...found, name: name.replaceAll('\\', '/'), source, ...size, part: this.#part, objects: [] },
    });
  }

  #category({ id, name }: Record<string, unknown>, line: number): void {
    if (typeof name !== 'string' || name.trim() === '')
      this.#say(
        'error',
        'category-name',
        line,
        `name of a category is ${describeValue(name)}`,
        'it is the name of the class',
      );
    else if (this.#categories.has(id))
      this.#say(
        'error',
        'id-twice',
        line,
        `category id ${id} is "${name}" here and "${this.#categories.get(id)}" before`,
        'each category has an id of its own',
      );
    else this.#categories.set(id, name);
  }

  /** Annotations may stand before the images and categories that they name. */
  #settle(): void {
    // A file that has been normalised has no box that reaches a pixel and a half; one small box alone says nothing.
    const boxes = this.#annotations.flatMap(({ box }) =>
      isNumbers(box) && box.length === 4 ? [Math.max(...box)] : [],
    );
    const normalised = boxes.length > 0 && boxes.every((most) => most < 1.5);
    if (normalised)
      this.#say(
        'warning',
        'boxes-normalised',
        0,
        'all boxes are below 1.5: they are taken as shares of the image, not as pixels',
      );
    const seen = new Map<unknown, number>();
    const isRight = !this.issues.some(({ severity }) => severity === 'error');
    for (const annotation of this.#annotations) {
      const { line, id, imageId, categoryId } = annotation;
      const before = id === undefined ? undefined : seen.get(id);
      if (before !== undefined)
        this.#say('warning', 'id-twice', line, `annotation id ${id} stands in line ${before} already; both are kept`);
      if (id !== undefined) seen.set(id, line);
      const image = this.#images.get(imageId);
      const label = this.#categories.get(categoryId);
      // Of an image that is missing itself enough is said.
      if (!image && isRight)
        this.#say(
          'error',
          'unknown-image',
          line,
          `there is no image with id ${JSON.stringify(imageId)}`,
          'images lists it, or the annotation goes',
        );
      if (label === undefined && isRight)
        this.#say(
          'error',
          'unknown-class',
          line,
          `there is no category with id ${JSON.stringify(categoryId)}`,
          `categories has ${[...this.#categories.keys()].slice(0, 20).join(', ')}`,
        );
      if (image && label !== undefined) this.#object(annotation, label, image.record, normalised);
    }
  }

  #object(annotation: RawAnnotation, label: string, image: CocoImage['record'], normalised: boolean): void {
    const { line, box: given, outline, crowd } = annotation;
    const tell = (problems: readonly GeometryProblem[]) => {
      for (const { severity, code, message, hint } of problems)
        this.#say(severity, code, line, `${image.name}, "${label}": ${message}`, hint);
    };
    const wrong = (code: string, message: string, hint: string) => tell([{ severity: 'error', code, message, hint }]);
    const size = { width: image.width, height: image.height };
    // Of an image that cannot be opened enough is said.
    if (size.width === 0 || size.height === 0) return;
    const frame: Frame = { extent: [size.width, size.height], ...size };
    if (![undefined, 0, 1, false, true].includes(crowd as undefined)) {
      wrong('crowd-type', `iscrowd is ${describeValue(crowd)}`, 'it is 0 or 1');
      return;
    }
    const { polygons, problems, isMask } = readSegmentation(outline, frame, this.#repair);
    tell(problems);
    if (polygons === null) return;
    if (isMask) {
      const message = 'run lengths of masks, which became polygons along the edges of their pixels';
      this.#losses.add('coco-rle', message, { file: this.#file, line });
    }
    const base = { label, ...(polygons.length > 0 && { polygons }), crowd: Boolean(crowd) };
    if (given === undefined || given === null) {
      if (polygons.length > 0) image.objects.push({ ...base, box: boundsOf(polygons) });
      else wrong('box-missing', 'it has neither bbox nor segmentation', 'bbox is [x, y, width, height]');
      return;
    }
    if (!isNumbers(given) || given.length !== 4) {
      wrong('box-type', `bbox is ${JSON.stringify(given)}`, 'it is [x, y, width, height] in pixels');
      return;
    }
    const [x, y, width, height] = given;
    if (width < 0 || height < 0) {
      wrong(
        'box-turned',
        `bbox has a negative ${width < 0 ? `width (${width})` : `height (${height})`}`,
        'it is [x, y, width, height], x and y of the upper left corner',
      );
      return;
    }
    const names = ['x', 'y', 'x + width', 'y + height'] as const;
    const place: Frame = normalised ? { ...frame, extent: [1, 1] } : frame;
    const judged = judgeBox([x, y, x + width, y + height], names, place, this.#repair);
    tell(judged.problems);
    if (judged.box) image.objects.push({ ...base, box: judged.box });
  }
}
