import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Issue, IssuesError, throwIfErrors } from '../issue.ts';
import type { Part } from '../split-column.ts';
import {
  type AnnotatedImage,
  type AnnotationFormat,
  type Annotations,
  type ImporterOptions,
  type Loss,
  type Losses,
  READ_FORMATS,
  type WrittenFormat,
} from './annotated-image.ts';
import { assignParts } from './assign-parts.ts';
import { eachOnce } from './object-table.ts';
import { readCoco } from './read-coco.ts';
import { readJsonl } from './read-jsonl.ts';
import { readMasks } from './read-masks.ts';
import { readVia } from './read-via.ts';
import { readVoc } from './read-voc.ts';
import { readYolo } from './read-yolo.ts';
import { recogniseFormats } from './recognise-format.ts';
import { writeCoco } from './write-coco.ts';
import { writeObjectTable } from './write-object-table.ts';
import { writeVoc } from './write-voc.ts';
import { writeYolo } from './write-yolo.ts';

export interface ConvertOptions {
  /** File or folder with the annotations. */
  input: string;
  /** Folder to write; it is new or empty. */
  output: string;
  /** Found out from the files when left out. */
  from?: AnnotationFormat | undefined;
  to: WrittenFormat;
  /** Where the images are, if not where the format has them. */
  imagesFolder?: string | undefined;
  /** A CSV file with the columns `image` and `split`, or shares for training, validation and perhaps testing: `0.7,0.2,0.1`. */
  splits?: string | undefined;
  /** For shares: the same seed gives the same split. Default 0. */
  seed?: number | undefined;
  /** Boxes and outlines that would be refused are mended where it is clear how; a warning says of each. Default false. */
  repair?: boolean | undefined;
  /** The class of objects whose format has no place for one: masks, regions without attributes. */
  label?: string | undefined;
}

/** What a conversion has done. */
export interface Conversion {
  readonly from: AnnotationFormat;
  readonly to: WrittenFormat;
  readonly output: string;
  readonly images: number;
  readonly objects: number;
  readonly classes: readonly string[];
  /** Images of each part; null when the data is not split. */
  readonly parts: Readonly<Partial<Record<Part, number>>> | null;
  /** Files and folders to give to other commands or programs. */
  readonly written: readonly string[];
  /** Warnings: what was mended or left out. */
  readonly issues: readonly Issue[];
  /** What the target cannot say, or Fovea does not carry. */
  readonly losses: readonly Loss[];
}

/**
 * Reads annotations of objects in one format and writes them in another: Azure's JSONL in MLTable folders, COCO, Pascal VOC,
 * YOLO; the VGG Image Annotator's files and pictures of masks are read only. Images stay where they are for JSONL; the other formats have a folder for them.
 * @throws IssuesError with every error found, before anything is written
 */
export async function convertAnnotations(options: ConvertOptions): Promise<Conversion> {
  const [input, output] = [resolve(options.input), resolve(options.output)];
  requirePlaces(input, output);
  const from = options.from ?? onlyFormat(input);
  const imagesFolder = options.imagesFolder === undefined ? undefined : resolve(options.imagesFolder);
  if (imagesFolder !== undefined && !statSync(imagesFolder, { throwIfNoEntry: false })?.isDirectory())
    throw failure(imagesFolder, 'not-there', 'there is no such folder', '--images names the folder with the images');
  const { classes, losses, ...read } = await reading[from](input, {
    imagesFolder,
    repair: options.repair,
    label: options.label,
  });
  const { records, issues: doubles } = eachOnce(read.images);
  const assigned =
    options.splits === undefined
      ? { images: records, issues: [] }
      : await assignParts(records, options.splits, options.seed ?? 0);
  const issues = read.issues.concat(doubles, assigned.issues);
  throwIfErrors(issues);
  const { images } = assigned;
  if (images.length === 0) throw failure(input, 'empty-set', 'there is no image in it');
  const sets = partsOf(images);
  await mkdir(output, { recursive: true });
  const written = await writing[options.to](output, sets, classes, losses);
  const named = [...sets].flatMap(([part, members]) => (part === undefined ? [] : [[part, members.length] as const]));
  return {
    ...{ from, to: options.to, output, images: images.length, classes, written, issues },
    objects: images.reduce((sum, { objects }) => sum + objects.length, 0),
    parts: named.length === 0 ? null : Object.fromEntries(named),
    losses: losses.list(),
  };
}

const reading: Readonly<Record<AnnotationFormat, (path: string, options: ImporterOptions) => Promise<Annotations>>> = {
  coco: readCoco,
  voc: readVoc,
  yolo: readYolo,
  jsonl: readJsonl,
  via: readVia,
  masks: readMasks,
};

type Sets = ReadonlyMap<Part | undefined, readonly AnnotatedImage[]>;

const writing: Readonly<
  Record<WrittenFormat, (folder: string, sets: Sets, classes: readonly string[], losses: Losses) => Promise<string[]>>
> = { coco: writeCoco, voc: writeVoc, yolo: writeYolo, jsonl: writeJsonl };

/** A folder with an MLTable for each part, or one for all. */
async function writeJsonl(folder: string, sets: Sets, classes: readonly string[], losses: Losses): Promise<string[]> {
  const used = new Set<string>();
  const written: string[] = [];
  for (const [part, images] of sets) {
    const place = part === undefined ? folder : join(folder, part);
    for (const { objects, source } of images)
      for (const object of objects) {
        used.add(object.label);
        for (const key of ['truncated', 'occluded', 'pose'] as const)
          if (object[key] !== undefined) losses.add(key, `${key} of objects`, source);
      }
    await writeObjectTable(place, images);
    written.push(place);
  }
  const unused = classes.filter((label) => !used.has(label));
  const kept = classes.filter((label) => used.has(label));
  if (unused.length > 0)
    losses.add(
      'unused-classes',
      `classes that no object has (${unused.slice(0, 10).join(', ')})`,
      { file: folder },
      unused.length,
    );
  if (kept.some((label, i) => i > 0 && label < kept[i - 1]))
    losses.add('class-order', 'the order of the classes: a model numbers them by the alphabet', { file: folder });
  return written;
}

const ORDER: readonly (Part | undefined)[] = ['train', 'validation', 'test', undefined];

function partsOf(images: readonly AnnotatedImage[]): Sets {
  const groups = Map.groupBy(images, ({ part }) => part);
  // Images that nobody said anything about are for training when others are for something.
  if (groups.size > 1 && groups.has(undefined)) {
    groups.set(
      'train',
      images.filter(({ part }) => part === undefined || part === 'train'),
    );
    groups.delete(undefined);
  }
  return new Map(ORDER.flatMap((part) => (groups.has(part) ? [[part, groups.get(part) ?? []] as const] : [])));
}

function requirePlaces(input: string, output: string): void {
  if (!existsSync(input)) throw failure(input, 'not-there', 'there is no such file or folder');
  const stats = statSync(output, { throwIfNoEntry: false });
  if (stats && !stats.isDirectory())
    throw failure(output, 'output-is-file', 'it is a file', 'the output is a new folder');
  if (stats && readdirSync(output).length > 0)
    throw failure(
      output,
      'output-not-empty',
      'there is something in it already',
      'the output is a new or an empty folder',
    );
}

function onlyFormat(input: string): AnnotationFormat {
  const found = recogniseFormats(input);
  if (found.length === 1) return found[0];
  const message =
    found.length === 0
      ? 'there are no annotations in it that are COCO, VOC, YOLO, JSONL, VIA or masks'
      : `there are annotations of several formats: ${found.join(', ')}`;
  throw failure(input, 'format-unknown', message, `say which: --from ${READ_FORMATS.join(', ')}`);
}

function failure(file: string, code: string, message: string, hint?: string): IssuesError {
  return new IssuesError([{ code, severity: 'error', file, message, ...(hint !== undefined && { hint }) }]);
}
