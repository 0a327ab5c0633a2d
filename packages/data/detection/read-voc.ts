import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, parse } from 'node:path';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import type { Issue } from '../issue.ts';
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
import { ImageLookup, settleSize } from './image-lookup.ts';
import { vocOutlines } from './voc-masks.ts';

const CORNERS = ['xmin', 'ymin', 'xmax', 'ymax'] as const;
const parser = new XMLParser({
  parseTagValue: false,
  captureMetaData: true,
  isArray: (name) => name === 'object',
});
const META = XMLParser.getMetaDataSymbol() as symbol;

/** The XML files of a folder in the layout of Pascal VOC (`Annotations/`), in folders for each part, or beside the images. */
export function vocFilesIn(path: string): string[] {
  const xmlIn = (folder: string) =>
    readdirSync(folder)
      .filter((name) => /\.xml$/i.test(name))
      .sort()
      .map((name) => join(folder, name));
  const folders = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const annotations = folders.find(({ name }) => name.toLowerCase() === 'annotations');
  if (annotations) return xmlIn(join(path, annotations.name));
  const parts = folders.filter(({ name }) => partNamed(name) !== undefined);
  return [...xmlIn(path), ...parts.flatMap(({ name }) => xmlIn(join(path, name)))];
}

const AT_ONCE = 32;

/**
 * Reads annotations in the format of Pascal VOC: a folder with `Annotations/`, `JPEGImages/` and perhaps
 * `ImageSets/Main/{train,val,test}.txt`. Coordinates are taken as they stand, as labelling tools and Azure's converter do; the
 * files of the VOC challenge itself count pixels from 1. `difficult` becomes `crowd`: metrics pass over either. Masks in
 * `SegmentationObject/` give the objects their outlines, in their order.
 */
export async function readVoc(path: string, { imagesFolder, repair }: ImporterOptions = {}): Promise<Annotations> {
  const files = vocFilesIn(path);
  const roots = ['JPEGImages', 'images', 'Images', ''].map((name) => join(path, name));
  const lookup = new ImageLookup([...(imagesFolder === undefined ? [] : [imagesFolder]), ...roots]);
  const parts = imageSetsIn(path);
  const losses = new Losses();
  const images: AnnotatedImage[] = [];
  let issues: Issue[] = [];
  for (let start = 0; start < files.length; start += AT_ONCE) {
    const some = files.slice(start, start + AT_ONCE);
    for (const read of await Promise.all(some.map((file) => readFileOf(file, lookup, parts, losses, { repair })))) {
      issues = issues.concat(read.issues);
      if (read.image) images.push(read.image);
    }
  }
  if (files.length === 0)
    issues.push({ code: 'no-voc', severity: 'error', file: path, message: 'there is no .xml file in it' });
  const classes = [...new Set(images.flatMap(({ objects }) => objects.map(({ label }) => label)))].sort();
  return { images, classes, issues, losses };
}

/** What images are for, by the bare names in `ImageSets/Main`. */
function imageSetsIn(path: string): ReadonlyMap<string, Part> {
  const folder = join(path, 'ImageSets', 'Main');
  const parts = new Map<string, Part>();
  if (!existsSync(folder)) return parts;
  for (const name of readdirSync(folder)) {
    // person_train.txt and the like are lists for one class.
    const part = /\.txt$/i.test(name) ? partNamed(parse(name).name) : undefined;
    if (part === undefined) continue;
    for (const [stem] of readFileSync(join(folder, name), 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/)))
      if (stem !== '') parts.set(stem, part);
  }
  return parts;
}

type Element = Record<string, unknown> & { [META]?: { startIndex?: number } };

async function readFileOf(
  file: string,
  lookup: ImageLookup,
  parts: ReadonlyMap<string, Part>,
  losses: Losses,
  repair: RepairOptions,
): Promise<{ image?: AnnotatedImage; issues: Issue[] }> {
  const text = await readFile(file, 'utf8');
  const issues: Issue[] = [];
  const lineOf = (element: unknown): number => {
    const at = typeof element === 'object' && element !== null ? (element as Element)[META]?.startIndex : undefined;
    return at === undefined ? 1 : text.slice(0, at).split('\n').length;
  };
  const say = (severity: Issue['severity'], code: string, line: number, message: string, hint?: string) => {
    issues.push({ code, severity, file, line, message, ...(hint !== undefined && { hint }) });
  };
  const root = rootOf(text, say);
  if (!root) return { issues };
  const name = textOf(root.filename);
  const stem = parse(file).name;
  const beside = new ImageLookup([...lookup.folders, dirname(file)]);
  // Files that were renamed keep the old name inside; the name of the XML is right more often.
  const found = (name === '' ? undefined : beside.find(name)) ?? beside.findByStem(stem);
  if (!found) {
    say(
      'error',
      'image-missing',
      lineOf(root),
      `${name || stem} is not there (looked in ${beside.folders.join(', ')})`,
      'say where the images are: --images <folder>',
    );
    return { issues };
  }
  const size = (isElement(root.size) ? root.size : {}) as Element;
  const pixels = (value: unknown) => Math.max(0, Math.round(Number(textOf(value)))) || 0;
  const part = parts.get(stem) ?? partNamed(basename(dirname(file)));
  const image = {
    ...found,
    name: basename(found.file),
    source: { file, line: 1 },
    width: pixels(size.width),
    height: pixels(size.height),
    part,
  };
  const oddSize = await settleSize(image);
  if (oddSize) issues.push(oddSize);
  if (oddSize?.severity === 'error') return { issues };
  const outlines = await outlinesOf(file, image, say);
  if (outlines === null && textOf(root.segmented) === '1')
    losses.add('voc-masks', 'masks of SegmentationObject/', { file });
  const items = Array.isArray(root.object) ? root.object : [];
  if (outlines !== null && outlines.length !== items.length) {
    const message = `its mask shows ${outlines.length} objects, and it has ${items.length}`;
    say('warning', 'voc-masks-differ', 1, message, 'the outlines are left out: nobody knows whose they are');
  }
  const frame = { extent: [image.width, image.height] as const, width: image.width, height: image.height };
  const objects: AnnotatedObject[] = [];
  for (const [i, item] of items.entries()) {
    const line = lineOf(item);
    const label = isElement(item) ? textOf(item.name).trim() : '';
    const where = `object ${i + 1}${label === '' ? '' : ` ("${label}")`}: `;
    if (!isElement(item) || label === '') {
      say('error', 'label-missing', line, `${where}it has no name`, '<name>cat</name> gives its class');
      continue;
    }
    const bounds = item.bndbox;
    if (!isElement(bounds)) {
      say('error', 'box-missing', line, `${where}it has no bndbox`, `it has ${CORNERS.join(', ')}`);
      continue;
    }
    const corners = CORNERS.map((corner) =>
      textOf(bounds[corner]).trim() === '' ? Number.NaN : Number(textOf(bounds[corner])),
    ) as [number, number, number, number];
    const odd = corners.findIndex((value) => !Number.isFinite(value));
    if (odd >= 0) {
      const value = bounds[CORNERS[odd]];
      say(
        'error',
        'box-type',
        line,
        `${where}${CORNERS[odd]} is ${value === undefined ? 'missing' : describeValue(value)}`,
        'it is a number of pixels',
      );
      continue;
    }
    const flags = {
      difficult: flag(item.difficult),
      truncated: flag(item.truncated),
      occluded: flag(item.occluded ?? item.occlusion),
    };
    for (const [key, value] of Object.entries(flags))
      if (value === null) say('error', 'flag', line, `${where}${key} is ${describeValue(item[key])}`, 'it is 0 or 1');
    const judged = judgeBox(corners, CORNERS, frame, repair);
    for (const problem of judged.problems)
      say(problem.severity, problem.code, line, where + problem.message, problem.hint);
    if (Array.isArray(item.part) || isElement(item.part))
      losses.add(
        'voc-parts',
        'parts of objects (<part>)',
        { file, line },
        Array.isArray(item.part) ? item.part.length : 1,
      );
    if (item.polygon !== undefined)
      losses.add('voc-polygon', '<polygon> of objects, which the format does not define', { file, line });
    if (!judged.box) continue;
    const pose = textOf(item.pose).trim();
    objects.push({
      ...{ label, box: judged.box, crowd: flags.difficult === true },
      ...(outlines?.length === items.length && { polygons: outlines[i] }),
      ...(flags.truncated && { truncated: true }),
      ...(flags.occluded && { occluded: true }),
      ...(pose !== '' && pose.toLowerCase() !== 'unspecified' && { pose }),
    });
  }
  return { image: { ...image, objects }, issues };
}

/** The outlines of the objects where `SegmentationObject/` beside the folder of the file has their picture; null where not. */
async function outlinesOf(
  file: string,
  size: { width: number; height: number },
  say: (severity: 'error', code: string, line: number, message: string, hint?: string) => void,
): Promise<number[][][] | null> {
  const mask = join(dirname(dirname(file)), 'SegmentationObject', `${parse(file).name}.png`);
  if (!existsSync(mask)) return null;
  try {
    const { width, height, outlines } = await vocOutlines(mask);
    if (width === size.width && height === size.height) return outlines;
    const sizes = `${width} × ${height} pixels, its image ${size.width} × ${size.height}`;
    say('error', 'mask-size', 1, `the mask ${mask} has ${sizes}`, 'a mask has the size of its image');
  } catch (error) {
    say('error', 'mask-unreadable', 1, `${mask} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
  return null;
}

function rootOf(
  text: string,
  say: (severity: 'error', code: string, line: number, message: string, hint?: string) => void,
): Element | null {
  const valid = XMLValidator.validate(text);
  if (valid !== true) {
    say('error', 'not-xml', valid.err.line, `not XML: ${valid.err.msg}`);
    return null;
  }
  try {
    const root: unknown = (parser.parse(text) as Record<string, unknown>).annotation;
    if (isElement(root)) return root;
    say(
      'error',
      'not-voc',
      1,
      'its outermost element is not <annotation>',
      'Pascal VOC has <annotation> with <object>s',
    );
  } catch (error) {
    say('error', 'not-xml', 1, `not XML: ${error instanceof Error ? error.message : error}`);
  }
  return null;
}

/** 0, 1 or absent; null for anything else. */
function flag(value: unknown): boolean | null {
  const word = textOf(value).trim().toLowerCase();
  if (['', '0', 'false'].includes(word)) return false;
  return ['1', 'true'].includes(word) ? true : null;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const isElement = (value: unknown): value is Element =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
