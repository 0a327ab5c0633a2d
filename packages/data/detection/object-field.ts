import type { DeclaredSize } from '../image-details.ts';
import { boundsOf } from '../masks/polygon-bounds.ts';
import { describeValue, type TableForm } from '../row.ts';
import type { FieldProblem, FieldReading } from '../table-sets.ts';
import { judgeBox } from './box.ts';
import type { Frame, GeometryProblem, RepairOptions } from './geometry-problem.ts';
import type { LabelledObject, NormalisedBox } from './object-record.ts';
import { judgePolygon } from './polygon.ts';

/** What objects are annotated for: detection needs a box of each, segmentation its outline. */
export type ObjectTask = 'detection' | 'segmentation';

/** The corners as Azure's schema calls them: left, top, right, bottom. */
export const CORNERS = ['topX', 'topY', 'bottomX', 'bottomY'] as const;

/**
 * Reads the label field of a row: a list of objects `{label, topX, topY, bottomX, bottomY, isCrowd}` for detection,
 * `{label, polygon, isCrowd}` for segmentation, coordinates in shares of width and height. An empty list is an image without
 * objects. Lenient as Azure's own examples are: an object alone counts as a list of one, numbers may be written as text,
 * `isCrowd` is a boolean, 0, 1, or one of these as text. An object without a box has the one around its outline.
 * @param column name of the field, for messages
 * @param repair what would be refused is mended where it is clear how, and a warning says so
 */
export function objectReader(task: ObjectTask, column: string, form: TableForm, repair: RepairOptions = {}) {
  return (value: unknown, size: DeclaredSize): FieldReading<LabelledObject[]> => {
    const content = form === 'delimited' && typeof value === 'string' ? parsed(value) : value;
    const items = Array.isArray(content) ? content : isPlainObject(content) ? [content] : undefined;
    if (items === undefined) {
      const problem = error('label-type', `${column} is ${describeValue(value)}`, rightField(value, task), [column]);
      return { label: undefined, problems: [problem] };
    }
    const problems: FieldProblem[] = [];
    const objects: LabelledObject[] = [];
    const frame: Frame = { extent: [1, 1], ...size };
    for (const [i, item] of items.entries()) {
      const read = readObject(item, task, frame, repair);
      const named = isPlainObject(item) && typeof item.label === 'string' ? ` ("${item.label}")` : '';
      const where = `object ${i + 1}${named}: `;
      for (const problem of read.problems)
        problems.push({ ...problem, message: where + problem.message, path: [column, i, ...(problem.path ?? [])] });
      if (!read.object) continue;
      const same = objects.findIndex((other) => isSame(other, read.object as LabelledObject));
      if (same < 0) objects.push(read.object);
      else {
        const message = `${where}it is the same as one before it, used once`;
        problems.push({ code: 'object-twice', severity: 'warning', message, path: [column, i] });
      }
    }
    return { label: objects, problems };
  };
}

type Item = Record<string, unknown>;

function readObject(
  item: unknown,
  task: ObjectTask,
  frame: Frame,
  repair: RepairOptions,
): { object?: LabelledObject; problems: FieldProblem[] } {
  if (!isPlainObject(item)) {
    const hint =
      typeof item === 'string'
        ? 'a list of names is for image_classification_multilabel'
        : `it is ${task === 'detection' ? EXAMPLE_BOX : EXAMPLE_POLYGON}`;
    return { problems: [error('object-type', `it is ${describeValue(item)}, not an object`, hint)] };
  }
  const label = readLabel(item.label);
  const crowd = readCrowd(item.isCrowd);
  const outline = readOutline(item.polygon, frame, repair);
  const corners = readCorners(item, frame, repair);
  const faults = [label, crowd, outline, corners].flatMap((part) => part.problems);
  if (corners.value === 'absent' && outline.value === 'absent') faults.push(nothingGiven(item, task));
  else if (task === 'segmentation' && outline.value === 'absent')
    faults.push(
      error(
        'polygon-missing',
        'polygon is missing',
        `boxes alone are for image_object_detection; it is ${EXAMPLE_POLYGON}`,
      ),
    );
  const polygons = outline.value === 'absent' ? undefined : outline.value;
  // For segmentation the box follows from the outline; for detection it does where none is given.
  const box = task === 'segmentation' || corners.value === 'absent' ? polygons && boundsOf(polygons) : corners.value;
  const isRight = faults.every(({ severity }) => severity === 'warning');
  if (!isRight || box === undefined || label.value === undefined || crowd.value === undefined)
    return { problems: faults };
  const object = { label: label.value, box, ...(polygons && { polygons }), crowd: crowd.value };
  return { object, problems: faults };
}

/** A part of an object: its value where it is right. */
interface Read<T> {
  readonly value: T | undefined;
  readonly problems: readonly FieldProblem[];
}

function readLabel(value: unknown): Read<string> {
  const wrong = (message: string, hint: string) => ({
    value: undefined,
    problems: [error('label-type', message, hint, ['label'])],
  });
  if (value === undefined) return wrong('label is missing', 'it is the name of the class, as in "cat"');
  if (typeof value === 'number' || typeof value === 'boolean')
    return wrong(`label is ${describeValue(value)}`, `write it as text, "${value}"`);
  if (typeof value !== 'string')
    return wrong(`label is ${describeValue(value)}`, 'it is the name of the class, as in "cat"');
  return value.trim() === '' ? wrong('label is empty', 'give the name of the class') : { value, problems: [] };
}

const CROWD_WORDS: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false };

function readCrowd(value: unknown): Read<boolean> {
  if (value === undefined || value === null) return { value: false, problems: [] };
  const word = ['boolean', 'number', 'string'].includes(typeof value) ? String(value).trim().toLowerCase() : '';
  if (Object.hasOwn(CROWD_WORDS, word)) return { value: CROWD_WORDS[word], problems: [] };
  const problem = error('crowd-type', `isCrowd is ${describeValue(value)}`, 'it is true, false, 1 or 0', ['isCrowd']);
  return { value: undefined, problems: [problem] };
}

function readCorners(item: Item, frame: Frame, repair: RepairOptions): Read<NormalisedBox | 'absent'> {
  const given = CORNERS.filter((name) => item[name] !== undefined);
  if (given.length === 0) return { value: 'absent', problems: [] };
  const problems: FieldProblem[] = [];
  const corners = CORNERS.map((name) => {
    const value = item[name];
    const number = numberIn(value);
    if (number !== undefined) return number;
    const message = value === undefined ? `${name} is missing` : `${name} is ${describeValue(value)}`;
    problems.push(error('box-type', message, 'it is a number from 0 to 1', [name]));
    return 0;
  }) as [number, number, number, number];
  if (problems.length > 0) return { value: undefined, problems };
  const { box, problems: found } = judgeBox(corners, CORNERS, frame, repair);
  return { value: box, problems: found };
}

function readOutline(
  value: unknown,
  frame: Frame,
  repair: RepairOptions,
): Read<readonly (readonly number[])[] | 'absent'> {
  if (value === undefined || value === null) return { value: 'absent', problems: [] };
  const wrong = (message: string, hint = `it is ${EXAMPLE_POLYGON}`) => ({
    value: undefined,
    problems: [error('polygon-type', message, hint, ['polygon'])],
  });
  if (!Array.isArray(value)) return wrong(`polygon is ${describeValue(value)}`);
  if (value.length === 0) return wrong('polygon is an empty list');
  if (value.every((number) => numberIn(number) !== undefined))
    return wrong(
      'polygon is a list of numbers',
      'it is a list of such lists, one for each piece: [[x1, y1, x2, y2, …]]',
    );
  const problems: FieldProblem[] = [];
  const pieces: number[][] = [];
  for (const [i, piece] of value.entries()) {
    const path = ['polygon', i];
    if (!Array.isArray(piece)) {
      problems.push(
        error('polygon-type', `a piece of polygon is ${describeValue(piece)}`, `it is ${EXAMPLE_POLYGON}`, path),
      );
      continue;
    }
    const numbers = piece.map(numberIn);
    const odd = numbers.indexOf(undefined);
    if (odd >= 0) {
      const what = describeValue(piece[odd]);
      problems.push(
        error('polygon-type', `polygon has ${what} among its numbers`, `it is ${EXAMPLE_POLYGON}`, [...path, odd]),
      );
      continue;
    }
    const judged = judgePolygon(numbers as number[], frame, repair);
    problems.push(...judged.problems.map((problem) => ({ ...problem, path })));
    pieces.push(...judged.polygons);
  }
  return { value: pieces.length > 0 ? pieces : undefined, problems };
}

const EXAMPLE_BOX = '{"label": "cat", "topX": 0.1, "topY": 0.2, "bottomX": 0.5, "bottomY": 0.7}';
const EXAMPLE_POLYGON = 'a list of pieces, [[x1, y1, x2, y2, x3, y3, …], …], each number from 0 to 1';

function nothingGiven(item: Item, task: ObjectTask): FieldProblem {
  const others = Object.keys(item).filter((key) => !['label', 'isCrowd'].includes(key));
  const there = others.length > 0 ? `, but ${others.slice(0, 8).join(', ')}` : '';
  return task === 'detection'
    ? error(
        'box-missing',
        `it has no box${there}`,
        `it is ${EXAMPLE_BOX}; fovea data convert makes that of COCO, VOC and YOLO`,
      )
    : error('polygon-missing', `it has no polygon${there}`, `it is ${EXAMPLE_POLYGON}`);
}

function rightField(value: unknown, task: ObjectTask): string {
  const list = `it is a list of objects, as in [${task === 'detection' ? EXAMPLE_BOX : '{"label": "cat", "polygon": [[…]]}'}], or [] for none`;
  return typeof value === 'string' ? `that is one class, task image_classification; for objects ${list}` : list;
}

/** A finite number, or one written as text. */
function numberIn(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

function isSame(one: LabelledObject, other: LabelledObject): boolean {
  return (
    one.label === other.label &&
    one.crowd === other.crowd &&
    one.box.every((value, i) => Math.abs(value - other.box[i]) < 1e-9) &&
    JSON.stringify(one.polygons) === JSON.stringify(other.polygons)
  );
}

const isPlainObject = (value: unknown): value is Item =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const error = (
  code: string,
  message: string,
  hint: string,
  path?: readonly (string | number)[],
): FieldProblem & GeometryProblem => ({ code, severity: 'error', message, hint, ...(path && { path }) });
