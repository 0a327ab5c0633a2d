import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { Issue } from '../issue.ts';
import { boundsOf } from '../masks/polygon-bounds.ts';
import { type Part, partNamed } from '../split-column.ts';
import type { DataRead } from '../table.ts';
import type { AnnotatedImage, Annotations } from './annotated-image.ts';
import type { ObjectTask } from './object-field.ts';
import { type LabelledObject, type ObjectDataset, type ObjectRecord, objectClassesOf } from './object-record.ts';
import {
  checkObjects,
  checkObjectValidation,
  eachOnce,
  type ReadObjectTableOptions,
  readObjectTable,
} from './object-table.ts';
import { readCoco } from './read-coco.ts';
import { readMasks } from './read-masks.ts';
import { readVia } from './read-via.ts';
import { readVoc } from './read-voc.ts';
import { readYolo } from './read-yolo.ts';
import { recogniseFormats } from './recognise-format.ts';

/** The formats that are read through an importer; tables are read as they are. */
export const importers = {
  coco: (path: string): Promise<Annotations> => readCoco(path),
  voc: (path: string): Promise<Annotations> => readVoc(path),
  yolo: (path: string): Promise<Annotations> => readYolo(path),
  via: (path: string): Promise<Annotations> => readVia(path),
  masks: (path: string): Promise<Annotations> => readMasks(path),
} as const;
export type ImportedFormat = keyof typeof importers;

const isImported = (format: string): format is ImportedFormat => Object.hasOwn(importers, format);

/**
 * Reads annotations of objects in any form: a folder with an MLTable or a bare table as `readObjectTable` does, and COCO, Pascal
 * VOC and YOLO in their usual layouts. Where those say which images validate and which are for testing, it is as with a column `split`
 * of a table. Nothing is thrown for what is wrong: every problem is an issue with its file and line.
 */
export async function readObjects(
  path: string,
  options: ReadObjectTableOptions = {},
): Promise<DataRead<ObjectDataset>> {
  const where = resolve(path);
  const formats = importedFormats(where);
  if (formats.length === 0) return readObjectTable(where, options);
  if (formats.length > 1) return nothing(where, [severalFormats(where, formats)]);
  return imported(where, formats[0], options);
}

/** The formats of a path that importers read; none for a table, or for what is not there. */
export function importedFormats(path: string): ImportedFormat[] {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory();
  if (isFolder === undefined || (isFolder && existsSync(join(path, 'MLTable')))) return [];
  const formats = recogniseFormats(path);
  // A folder that has tables, too, is taken by them.
  return formats.includes('jsonl') ? [] : formats.filter(isImported);
}

/** Folders for the parts of the data, each of them with annotations that importers read. */
export function importedParts(path: string): Partial<Record<Part, string>> {
  const folders = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const found = folders.flatMap(({ name }): [Part, string][] => {
    const part = partNamed(name);
    const folder = join(path, name);
    return part !== undefined && importedFormats(folder).length > 0 ? [[part, folder]] : [];
  });
  return Object.fromEntries(found);
}

async function imported(
  where: string,
  format: ImportedFormat,
  { role = 'training', task = 'detection', part }: ReadObjectTableOptions,
): Promise<DataRead<ObjectDataset>> {
  const read = await importers[format](where);
  const { records: images, issues: doubles } = eachOnce(read.images);
  const issues = read.issues.concat(doubles);
  const isSplit = images.some((image) => image.part !== undefined);
  const ofPart = (wanted: Part) => images.filter((image) => (image.part ?? 'train') === wanted);
  const setOf = (members: readonly AnnotatedImage[]): ObjectDataset => {
    const records = members.map((image) => plainRecord(image, { task, format, issues }));
    return { name: basename(where), classes: objectClassesOf(records), records };
  };
  const dataset = setOf(isSplit ? ofPart(part ?? 'train') : images);
  const validating = isSplit && part === undefined ? ofPart('validation') : [];
  const validation = validating.length > 0 ? setOf(validating) : undefined;
  // When annotations are wrong, that there are too few right ones is only a consequence.
  const isRight = () => issues.every(({ severity }) => severity !== 'error');
  if (isRight()) for (const issue of checkObjects(dataset, { role, where })) issues.push(issue);
  if (validation && isRight()) for (const issue of checkObjectValidation(dataset, validation)) issues.push(issue);
  return {
    dataset,
    ...(validation && { validation }),
    isSplit,
    testImages: isSplit && part === undefined ? ofPart('test').length : 0,
    issues,
    sources: new Map(),
  };
}

/** Without what only some formats say, so that a record is the same after it was written as a table. */
function plainRecord(
  { file, source, width, height, bytes, objects }: AnnotatedImage,
  { task, format, issues }: { task: ObjectTask; format: ImportedFormat; issues: Issue[] },
): ObjectRecord {
  const plain = objects.flatMap(({ label, box, polygons, crowd }, i): LabelledObject[] => {
    if (task === 'segmentation' && polygons === undefined) {
      const message = `object ${i + 1} ("${label}") of ${basename(file)} has a box and no outline`;
      const hint = 'boxes alone are for image_object_detection';
      issues.push({ code: 'polygon-missing', severity: 'error', ...source, message, hint });
      return [];
    }
    // As of a table: for segmentation the box follows from the outline.
    const around = task === 'segmentation' && polygons ? boundsOf(polygons) : box;
    return [{ label, box: around, ...(polygons && { polygons }), crowd }];
  });
  // A file of VOC or YOLO is about one image: its first line says nothing.
  const place = ['voc', 'yolo'].includes(format) ? { file: source.file } : source;
  return { file, source: place, width, height, bytes, objects: plain };
}

const severalFormats = (file: string, formats: readonly string[]): Issue => ({
  code: 'several-formats',
  severity: 'error',
  file,
  message: `there are annotations of several formats: ${formats.join(', ')}`,
  hint: 'fovea data convert --from … makes one table of those that are meant',
});

const nothing = (where: string, issues: Issue[]): DataRead<ObjectDataset> => ({
  dataset: { name: basename(where), classes: [], records: [] },
  isSplit: false,
  testImages: 0,
  issues,
  sources: new Map(),
});
