import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join, parse, relative, resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
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
import type { RepairOptions } from './geometry-problem.ts';
import { IMAGE_ENDINGS } from './image-lookup.ts';
import { openImageSize } from './image-size.ts';
import { judgePolygon } from './polygon.ts';

/** The file that names the classes and folders of a data set in YOLO's layout; undefined when there is none. */
export function yoloFileIn(path: string): string | undefined {
  if (!statSync(path).isDirectory()) return /\.ya?ml$/i.test(path) ? path : undefined;
  const names = readdirSync(path).filter((name) => /\.ya?ml$/i.test(name));
  const chosen = ['data.yaml', 'data.yml', 'dataset.yaml'].find((name) => names.includes(name)) ?? names[0];
  return chosen === undefined ? undefined : join(path, chosen);
}

/** Names of classes, for layouts without a YAML file: one a line. */
export function yoloClassesIn(path: string): string | undefined {
  return ['classes.txt', 'obj.names', 'labels/classes.txt', 'images/classes.txt']
    .map((name) => join(path, name))
    .find((file) => existsSync(file));
}

interface Layout {
  /** By the number that label files use. */
  readonly names: ReadonlyMap<number, string>;
  readonly images: readonly { readonly file: string; readonly root: string; readonly part: Part | undefined }[];
  readonly issues: Issue[];
}

const AT_ONCE = 32;

/**
 * Reads annotations in YOLO's layout: `data.yaml` with `names`, `path`, `train`, `val`, `test` (folders of images, lists of
 * them, or files that list them), or a folder with `classes.txt`; for `…/images/….jpg` the labels are in `…/labels/….txt`, each line
 * `class x y width height` (centre and size) or `class x1 y1 x2 y2 …` (an outline), in shares of the image. An image without
 * a label file has no objects.
 */
export async function readYolo(path: string, { imagesFolder, repair }: ImporterOptions = {}): Promise<Annotations> {
  const config = yoloFileIn(path);
  const layout = config === undefined ? plainLayout(path, imagesFolder) : configuredLayout(config, imagesFolder);
  const images: AnnotatedImage[] = [];
  const losses = new Losses();
  let issues = layout.issues;
  for (let start = 0; start < layout.images.length; start += AT_ONCE) {
    const some = layout.images.slice(start, start + AT_ONCE);
    for (const read of await Promise.all(some.map((image) => readImage(image, layout.names, { repair })))) {
      issues = issues.concat(read.issues);
      if (read.image) images.push(read.image);
    }
  }
  if (issues.length === 0 && images.length === 0)
    issues.push({
      code: 'no-yolo',
      severity: 'error',
      file: path,
      message: 'there is no image in it',
      hint: 'YOLO has images/ and labels/, side by side',
    });
  const classes = [...layout.names].sort(([a], [b]) => a - b).map(([, name]) => name);
  return { images, classes: [...new Set(classes)], issues, losses };
}

function plainLayout(path: string, imagesFolder: string | undefined): Layout {
  const classes = yoloClassesIn(path);
  const issues: Issue[] = [];
  if (classes === undefined) {
    const hint = 'data.yaml has names: [cat, dog], classes.txt has one name a line';
    issues.push({
      code: 'no-names',
      severity: 'error',
      file: path,
      message: 'there is neither data.yaml nor classes.txt, which name the classes',
      hint,
    });
    return { names: new Map(), images: [], issues };
  }
  const lines = readFileSync(classes, 'utf8').trimEnd().split(/\r?\n/);
  const root = imagesFolder ?? (existsSync(join(path, 'images')) ? join(path, 'images') : path);
  const parts = new Map(readdirSync(root).map((name) => [name, partNamed(name)]));
  const images = imagesBelow(root).map((file) => ({
    file,
    root,
    part: parts.get(relative(root, file).split(/[/\\]/)[0]),
  }));
  return { names: new Map(lines.map((name, i) => [i, name.trim()])), images, issues };
}

function configuredLayout(file: string, imagesFolder: string | undefined): Layout {
  const issues: Issue[] = [];
  const wrong = (code: string, message: string, hint?: string) => {
    issues.push({ code, severity: 'error', file, message, ...(hint !== undefined && { hint }) });
    return { names: new Map<number, string>(), images: [], issues };
  };
  let config: unknown;
  try {
    config = parseYaml(readFileSync(file, 'utf8'));
  } catch (error) {
    return wrong('yaml', `not YAML: ${error instanceof Error ? error.message.split('\n')[0] : error}`);
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    return wrong('no-names', `it is ${describeValue(config)}`, 'it has names, train and val');
  const fields = config as Record<string, unknown>;
  const names = namesIn(fields.names);
  if (names === null)
    return wrong('no-names', 'names does not name the classes', 'it is [cat, dog], or {0: cat, 1: dog}');
  const here = dirname(file);
  const base =
    imagesFolder ??
    (typeof fields.path === 'string'
      ? firstThere([resolve(here, fields.path), resolve(here, '..', fields.path)])
      : undefined) ??
    here;
  // A set that validates on its training images names them twice.
  const seen = new Set<string>();
  const images = (['train', 'val', 'test'] as const).flatMap((key) => {
    const value = fields[key] ?? (key === 'val' ? fields.valid : undefined);
    if (value === undefined || value === null || value === '') return [];
    const part = partNamed(key);
    return (Array.isArray(value) ? value : [value]).flatMap((entry: unknown) => {
      if (typeof entry !== 'string') {
        wrong('path', `${key} is ${describeValue(entry)}`, 'it is a folder of images, or a file that lists them');
        return [];
      }
      // Some tools write paths from a folder beside that of the file.
      const place = firstThere([
        resolve(base, entry),
        resolve(here, entry),
        resolve(here, entry.replace(/^(\.\.\/)+/, '')),
      ]);
      if (place === undefined) {
        // The test set is often kept back.
        if (key !== 'test')
          wrong(
            'path-missing',
            `${key}: ${entry} is not there (looked in ${base})`,
            'path is the folder that train and val start from',
          );
        return [];
      }
      if (seen.has(place)) return [];
      seen.add(place);
      if (statSync(place).isDirectory()) return imagesBelow(place).map((image) => ({ file: image, root: place, part }));
      const listed = readFileSync(place, 'utf8')
        .split(/\r?\n/)
        .filter((line) => line.trim() !== '');
      return listed.map((line) => {
        const image = line.trim();
        return {
          file: isAbsolute(image)
            ? image
            : (firstThere([resolve(dirname(place), image), resolve(base, image)]) ?? resolve(base, image)),
          root: base,
          part,
        };
      });
    });
  });
  return { names, images, issues };
}

function namesIn(value: unknown): Map<number, string> | null {
  if (Array.isArray(value)) return new Map(value.map((name, i) => [i, String(name)]));
  if (typeof value !== 'object' || value === null) return null;
  const entries = Object.entries(value).map(([key, name]): [number, string] => [Number(key), String(name)]);
  return entries.every(([key]) => Number.isInteger(key) && key >= 0) ? new Map(entries) : null;
}

const firstThere = (paths: readonly string[]): string | undefined => paths.find((path) => existsSync(path));

function imagesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && IMAGE_ENDINGS.includes(extname(entry.name).toLowerCase()))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Where the labels of an image are: the last `images` of its path is `labels`; else beside it. */
function labelFileOf(image: string): string {
  const { dir, name } = parse(image);
  const folders = dir.split(/[/\\]/);
  const at = folders.lastIndexOf('images');
  const beside = join(dir, `${name}.txt`);
  if (at < 0) return beside;
  const file = join(folders.with(at, 'labels').join('/'), `${name}.txt`);
  return existsSync(file) || !existsSync(beside) ? file : beside;
}

async function readImage(
  { file, root, part }: Layout['images'][number],
  names: ReadonlyMap<number, string>,
  repair: RepairOptions,
): Promise<{ image?: AnnotatedImage; issues: Issue[] }> {
  const labels = labelFileOf(file);
  const stats = statSync(file, { throwIfNoEntry: false });
  const name = relative(root, file).replaceAll('\\', '/');
  if (!stats?.isFile())
    return { issues: [{ code: 'image-missing', severity: 'error', file: root, message: `${name} is not there` }] };
  const size = await openImageSize(file);
  if (size === null)
    return {
      issues: [{ code: 'image-unreadable', severity: 'error', file, message: 'it cannot be opened as an image' }],
    };
  const hasLabels = existsSync(labels);
  const lines = hasLabels ? (await readFile(labels, 'utf8')).split(/\r?\n/) : [];
  const objects: AnnotatedObject[] = [];
  const issues: Issue[] = [];
  for (const [i, text] of lines.entries()) {
    if (text.trim() === '') continue;
    const say = (severity: Issue['severity'], code: string, message: string, hint?: string) => {
      issues.push({ code, severity, file: labels, line: i + 1, message, ...(hint !== undefined && { hint }) });
    };
    const cells = text.trim().split(/\s+/);
    const numbers = cells.map(Number);
    const odd = numbers.findIndex((number) => !Number.isFinite(number));
    if (odd >= 0) {
      say('error', 'box-type', `"${cells[odd]}" is no number`, 'a line is: class x y width height');
      continue;
    }
    const [index, ...rest] = numbers;
    const label = names.get(index);
    if (label === undefined) {
      say(
        'error',
        'unknown-class',
        `there is no class ${cells[0]}`,
        `classes go from ${Math.min(...names.keys())} to ${Math.max(...names.keys())}`,
      );
      continue;
    }
    if (rest.length === 5 || rest.length < 4) {
      const hint =
        rest.length === 5
          ? 'are these predictions, with their confidence? annotations have class x y width height'
          : 'a line is: class x y width height, or: class x1 y1 x2 y2 x3 y3 …';
      say('error', 'box-type', `the line has ${numbers.length} numbers`, hint);
      continue;
    }
    const frame = { extent: [1, 1] as const, ...size };
    if (rest.length === 4) {
      const [x, y, width, height] = rest;
      if (width < 0 || height < 0) {
        say(
          'error',
          'box-turned',
          `the ${width < 0 ? 'width' : 'height'} is negative`,
          'a line is: class x y width height',
        );
        continue;
      }
      const corners = [x - width / 2, y - height / 2, x + width / 2, y + height / 2] as const;
      const edges = ['x − width / 2', 'y − height / 2', 'x + width / 2', 'y + height / 2'] as const;
      const judged = judgeBox(corners, edges, frame, repair);
      for (const problem of judged.problems) say(problem.severity, problem.code, problem.message, problem.hint);
      if (judged.box) objects.push({ label, box: judged.box, crowd: false });
      continue;
    }
    const { polygons, problems } = judgePolygon(rest, frame, repair);
    for (const problem of problems) say(problem.severity, problem.code, problem.message, problem.hint);
    if (polygons.length > 0) objects.push({ label, box: boundsOf(polygons), polygons, crowd: false });
  }
  const source = hasLabels ? { file: labels } : { file };
  return {
    image: { file, name: name === '' ? basename(file) : name, source, ...size, bytes: stats.size, part, objects },
    issues,
  };
}
