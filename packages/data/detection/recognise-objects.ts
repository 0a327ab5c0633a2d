import { tablesIn } from '../recognise-data.ts';
import type { Part } from '../split-column.ts';
import { readTableRows } from '../table-rows.ts';
import { CORNERS, type ObjectTask } from './object-field.ts';
import { type ImportedFormat, importedFormats, importedParts, importers } from './read-objects.ts';

/** Annotations of objects, found out from the files themselves. */
export interface RecognisedObjects {
  /** Absolute: what `readObjects` takes. */
  readonly training: string;
  /** Where it is a path of its own. */
  readonly validation?: string;
  readonly test?: string;
  readonly format: ImportedFormat | 'jsonl';
  /** Segmentation: every object has an outline, and some outline says more than its box. */
  readonly task: ObjectTask;
}

/**
 * Whether a path holds annotations of objects (boxes or outlines); undefined when it is something else:
 *
 * - a table with objects in its label column, or a folder with such tables called `train` and `validation`;
 * - COCO, Pascal VOC, YOLO or files of the VGG Image Annotator in their usual layouts, pictures of masks;
 * - a folder with `train` and `val` of these.
 * @param path absolute
 * @throws IssuesError when files could be meant in more than one way
 */
export async function recogniseObjects(path: string, targetColumn = 'label'): Promise<RecognisedObjects | undefined> {
  const [format] = importedFormats(path);
  if (format !== undefined) return { training: path, format, task: await importedTask(path, format) };
  const { train, validation, test } = await tablesIn(path);
  if (train === undefined) return partsOf(path);
  const { rows } = await readTableRows(train);
  const objects = rows.flatMap(({ fields }) => {
    const label = fields[targetColumn];
    return Array.isArray(label) ? label.filter((item) => typeof item === 'object' && item !== null) : [];
  });
  if (objects.length === 0) return undefined;
  return { training: train, ...others({ validation, test }), format: 'jsonl', task: taskOf(objects.map(inTable)) };
}

async function partsOf(path: string): Promise<RecognisedObjects | undefined> {
  const { train, ...rest } = importedParts(path);
  if (train === undefined) return undefined;
  const [format] = importedFormats(train);
  return { training: train, ...others(rest), format, task: await importedTask(train, format) };
}

/** What is said of where an object is. */
interface Said {
  readonly box?: ArrayLike<unknown> | undefined;
  readonly polygons?: readonly ArrayLike<unknown>[] | undefined;
}

async function importedTask(path: string, format: ImportedFormat): Promise<ObjectTask> {
  if (format === 'masks') return 'segmentation';
  // VOC has masks for some of its images; YOLO's outlines are read as boxes.
  if (format === 'voc' || format === 'yolo') return 'detection';
  const { images } = await importers[format](path);
  return taskOf(images.flatMap(({ objects }) => objects));
}

function taskOf(objects: readonly Said[]): ObjectTask {
  const haveOutlines = objects.every(({ polygons }) => polygons !== undefined && polygons.length > 0);
  return haveOutlines && objects.some(saysMoreThanBox) ? 'segmentation' : 'detection';
}

/** An object of a table, which has not been checked. */
function inTable(item: Record<string, unknown>): Said {
  const { polygon } = item;
  const corners = CORNERS.map((name) => item[name]);
  return {
    box: corners.every((value) => value === undefined) ? undefined : corners,
    polygons: Array.isArray(polygon) ? polygon.filter(Array.isArray) : undefined,
  };
}

/** Programs for boxes write outlines of four corners, too. */
function saysMoreThanBox({ box, polygons = [] }: Said): boolean {
  if (box === undefined || polygons.length > 1) return true;
  const sides = [0, 1].map((axis) => new Set(Array.from(polygons[0]).filter((_, i) => i % 2 === axis)));
  return sides.some(({ size }) => size > 2);
}

const others = ({ validation, test }: Partial<Record<Part, string>>) => ({
  ...(validation !== undefined && { validation }),
  ...(test !== undefined && { test }),
});
