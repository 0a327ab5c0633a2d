import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Issue } from '../issue.ts';
import { boundsOf } from '../masks/polygon-bounds.ts';
import { describeValue } from '../row.ts';
import { partNamed } from '../split-column.ts';
import {
  type AnnotatedImage,
  type AnnotatedObject,
  type Annotations,
  type ImporterOptions,
  Losses,
} from './annotated-image.ts';
import { judgeBox } from './box.ts';
import { isNumbers } from './coco-segmentation.ts';
import type { Frame, GeometryProblem } from './geometry-problem.ts';
import { ImageLookup, settleSizes } from './image-lookup.ts';
import { judgePolygon } from './polygon.ts';
import { partOfFile } from './read-coco.ts';
import { UNNAMED_CLASS, unnamedClass } from './unnamed-class.ts';
import { readViaDocument, type ViaImage, type ViaRegion } from './via-document.ts';

/** Whether a file was written by the VGG Image Annotator: its first kilobytes name what only that has. */
export function looksLikeVia(file: string): boolean {
  if (!/\.(json|csv)$/i.test(file)) return false;
  const head = Buffer.alloc(1 << 16);
  const handle = openSync(file, 'r');
  try {
    const text = head.toString('utf8', 0, readSync(handle, head, 0, head.length, 0));
    return /"_via_(settings|img_metadata)"|"shape_attributes"|^\ufeff?#?"?filename"?,.*region_shape_attributes/.test(
      text,
    );
  } finally {
    closeSync(handle);
  }
}

/** The files of the annotator that a path means: itself, or those in the folder or in folders for the parts. */
export function viaFilesIn(path: string): string[] {
  if (!statSync(path).isDirectory()) return looksLikeVia(path) ? [path] : [];
  const entries = readdirSync(path, { withFileTypes: true });
  const filesIn = (folder: string) =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(folder, entry.name))
      .filter(looksLikeVia)
      .sort();
  const parts = entries.filter((entry) => entry.isDirectory() && partNamed(entry.name) !== undefined);
  return [...filesIn(path), ...parts.flatMap((entry) => filesIn(join(path, entry.name)))];
}

/** Names that people give the attribute with the class, where there are several. */
const CLASS_NAMES = ['class', 'label', 'name', 'category', 'type', 'object'];
const CROWD_NAMES = ['iscrowd', 'is_crowd', 'crowd'];
/** Points of the polygon for a circle or an ellipse. */
const ROUND_POINTS = 64;

/**
 * Reads annotations of the VGG Image Annotator (VIA) 1 and 2: polygons, rectangles, circles and ellipses. The class of a region is its
 * attribute `class`, `label`, `name`, `category` or `type`, or the only one that regions have. A polyline is an open outline: an error,
 * closed with `repair`. Points are left out.
 * @param options.label class of the regions of files in which none has an attribute; `object` otherwise, with a warning
 */
export async function readVia(path: string, options: ImporterOptions = {}): Promise<Annotations> {
  const files = viaFilesIn(path);
  const losses = new Losses();
  const images: AnnotatedImage[] = [];
  let issues: Issue[] = [];
  for (const file of files) {
    const document = await readViaDocument(file);
    issues = issues.concat(document.issues);
    const reader = new ViaFile(file, document.images, losses, options);
    const part = files.length > 1 ? partOfFile(file) : undefined;
    for (const image of await reader.read()) images.push({ ...image, part });
    issues = issues.concat(reader.issues);
  }
  if (files.length === 0)
    issues.push({
      code: 'no-via',
      severity: 'error',
      file: path,
      message: 'there is no file of the VGG Image Annotator in it',
    });
  const classes = [...new Set(images.flatMap(({ objects }) => objects.map(({ label }) => label)))].sort();
  return { images, classes, issues, losses };
}

class ViaFile {
  readonly issues: Issue[] = [];
  readonly #file: string;
  readonly #images: readonly ViaImage[];
  readonly #losses: Losses;
  readonly #options: ImporterOptions;
  /** The attribute that names the class; undefined when regions have none. */
  readonly #attribute: string | undefined;

  constructor(file: string, images: readonly ViaImage[], losses: Losses, options: ImporterOptions) {
    this.#file = file;
    this.#images = images;
    this.#losses = losses;
    this.#options = options;
    const names = new Set(
      images.flatMap(({ regions }) => regions.flatMap(({ attributes }) => Object.keys(attributes))),
    );
    const others = [...names].filter((name) => !CROWD_NAMES.includes(name.toLowerCase()));
    this.#attribute =
      others.length === 1
        ? others[0]
        : CLASS_NAMES.map((name) => others.find((other) => other.toLowerCase() === name)).find(
            (name) => name !== undefined,
          );
    if (others.length > 1 && this.#attribute === undefined) {
      const hint = `one of them is called class or label; regions have ${others.slice(0, 10).join(', ')}`;
      this.#say('error', 'class-unclear', undefined, 'no attribute of regions is known to be their class', hint);
    } else if (others.length === 0 && options.label === undefined && images.some(({ regions }) => regions.length > 0)) {
      this.issues.push(unnamedClass(file, 'regions'));
    }
  }

  async read(): Promise<Omit<AnnotatedImage, 'part'>[]> {
    const { imagesFolder } = this.#options;
    const here = dirname(this.#file);
    const lookup = new ImageLookup([
      ...(imagesFolder === undefined ? [] : [imagesFolder]),
      ...[here, join(here, 'images'), dirname(here), join(dirname(here), 'images')],
    ]);
    const found = this.#images.flatMap(({ name, regions, attributes, line }) => {
      const place = { file: this.#file, line };
      const given = Object.values(attributes).filter((value) => value !== '').length;
      if (given > 0) this.#losses.add('via-file-attributes', 'attributes of images', place, given);
      const image = lookup.find(name);
      if (image) return [{ ...image, name: name.replaceAll('\\', '/'), source: place, width: 0, height: 0, regions }];
      const message = `${name} is not there (looked in ${lookup.folders.join(', ')})`;
      this.#say('error', 'image-missing', line, message, 'say where the images are: --images <folder>');
      return [];
    });
    for (const issue of await settleSizes(found)) this.issues.push(issue);
    return found.map(({ regions, ...image }) => {
      const size = { width: image.width, height: image.height };
      const frame: Frame = { extent: [size.width, size.height], ...size };
      // Of an image that cannot be opened enough is said.
      const objects =
        size.width === 0 ? [] : regions.flatMap((region, i) => this.#object(region, i, image.name, frame));
      return { ...image, objects };
    });
  }

  #say(severity: Issue['severity'], code: string, line: number | undefined, message: string, hint?: string): void {
    const place = { file: this.#file, ...(line !== undefined && { line }) };
    this.issues.push({ code, severity, ...place, message, ...(hint !== undefined && { hint }) });
  }

  #object(region: ViaRegion, index: number, image: string, frame: Frame): AnnotatedObject[] {
    const tell = ({ severity, code, message, hint }: GeometryProblem) =>
      this.#say(severity, code, region.line, `${image}, region ${index + 1}: ${message}`, hint);
    const label = this.#labelOf(region, tell);
    const shape = this.#shapeOf(region, frame, tell);
    if (label === undefined || shape === undefined) return [];
    const crowd = CROWD_NAMES.some((name) =>
      Object.entries(region.attributes).some(
        ([key, value]) => key.toLowerCase() === name && ['1', 'true'].includes(String(value)),
      ),
    );
    return [{ label, ...shape, crowd }];
  }

  #labelOf({ attributes, line }: ViaRegion, tell: (problem: GeometryProblem) => void): string | undefined {
    for (const name of Object.keys(attributes))
      if (name !== this.#attribute && !CROWD_NAMES.includes(name.toLowerCase()))
        this.#losses.add(`via-attribute-${name}`, `the attribute ${name} of regions`, { file: this.#file, line });
    if (this.#attribute === undefined) return this.#options.label ?? UNNAMED_CLASS;
    const value = attributes[this.#attribute];
    if (typeof value === 'string' && value.trim() !== '') return value.trim();
    if (typeof value === 'number') return String(value);
    // Boxes to tick: {cat: true}.
    const ticked =
      typeof value === 'object' && value !== null ? Object.entries(value).filter(([, is]) => is === true) : [];
    if (ticked.length === 1) return ticked[0][0];
    const message =
      ticked.length > 1
        ? `it is of several classes: ${ticked.map(([name]) => name).join(', ')}`
        : `${this.#attribute} is ${value === undefined || value === '' ? 'missing' : describeValue(value)}`;
    tell({ severity: 'error', code: 'label-type', message, hint: 'each region has the name of one class' });
    return undefined;
  }

  #shapeOf(
    { shape, line }: ViaRegion,
    frame: Frame,
    tell: (problem: GeometryProblem) => void,
  ): Pick<AnnotatedObject, 'box' | 'polygons'> | undefined {
    const { repair } = this.#options;
    const numbers = (...names: string[]): number[] | undefined => {
      const values = names.map((name) => shape[name]);
      if (isNumbers(values)) return values;
      const message = `${shape.name} has ${names.map((name) => `${name} ${JSON.stringify(shape[name])}`).join(', ')}`;
      tell({ severity: 'error', code: 'shape-type', message, hint: 'they are numbers of pixels' });
      return undefined;
    };
    const outlined = (points: readonly number[]) => {
      const { polygons, problems } = judgePolygon(points, frame, { repair });
      for (const problem of problems) tell(problem);
      return polygons.length === 0 ? undefined : { box: boundsOf(polygons), polygons };
    };
    const rounded = (x: number, y: number, across: number, down: number, turn: number) => {
      const message = `circles and ellipses, which became polygons of ${ROUND_POINTS} points`;
      this.#losses.add('via-round', message, { file: this.#file, line });
      return outlined(ellipsePoints(x, y, across, down, turn));
    };
    switch (shape.name) {
      case 'polygon':
      case 'polyline': {
        const [xs, ys] = [shape.all_points_x, shape.all_points_y];
        if (!isNumbers(xs) || !isNumbers(ys) || xs.length !== ys.length) {
          const message = 'all_points_x and all_points_y are not two lists of numbers, equally long';
          tell({ severity: 'error', code: 'shape-type', message });
          return undefined;
        }
        const isOpen = shape.name === 'polyline' && (xs[0] !== xs.at(-1) || ys[0] !== ys.at(-1));
        if (isOpen) {
          const hint = repair ? 'repaired: closed by a line' : 'draw a polygon, or close it with --repair';
          tell({
            severity: repair ? 'warning' : 'error',
            code: 'polygon-open',
            message: 'the outline is open: it is a polyline',
            hint,
          });
          if (!repair) return undefined;
        }
        return outlined(xs.flatMap((x, i) => [x, ys[i]]));
      }
      case 'rect': {
        const found = numbers('x', 'y', 'width', 'height');
        if (!found) return undefined;
        const [x, y, width, height] = found;
        const judged = judgeBox([x, y, x + width, y + height], ['x', 'y', 'x + width', 'y + height'], frame, {
          repair,
        });
        for (const problem of judged.problems) tell(problem);
        return judged.box && { box: judged.box };
      }
      case 'circle': {
        const found = numbers('cx', 'cy', 'r');
        return found && rounded(found[0], found[1], found[2], found[2], 0);
      }
      case 'ellipse': {
        const found = numbers('cx', 'cy', 'rx', 'ry');
        const turn = typeof shape.theta === 'number' ? shape.theta : 0;
        return found && rounded(found[0], found[1], found[2], found[3], turn);
      }
      case 'point':
        this.#losses.add('via-points', 'points, which have no area', { file: this.#file, line });
        return undefined;
      default:
        tell({
          severity: 'error',
          code: 'shape-type',
          message: `its shape is ${describeValue(shape.name)}`,
          hint: 'it is polygon, rect, circle or ellipse',
        });
        return undefined;
    }
  }
}

function ellipsePoints(x: number, y: number, across: number, down: number, turn: number): number[] {
  return Array.from({ length: ROUND_POINTS }, (_, i) => (2 * Math.PI * i) / ROUND_POINTS).flatMap((angle) => {
    const [a, b] = [across * Math.cos(angle), down * Math.sin(angle)];
    return [x + a * Math.cos(turn) - b * Math.sin(turn), y + a * Math.sin(turn) + b * Math.cos(turn)];
  });
}
