import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import type { LabelKind } from './dataset.ts';
import { IssuesError } from './issue.ts';
import { namesIn, separatorOf } from './label-field.ts';
import type { TableForm } from './row.ts';
import { type Part, partNamed } from './split-column.ts';
import { fieldsOf, imageColumn, labelColumn } from './table-columns.ts';
import { isTableFile, readTableRows } from './table-rows.ts';

/** Labelled images as a job names them, found out from the files themselves. */
export interface RecognisedData {
  /** Absolute: a folder of class folders, a folder with an MLTable, or an annotation file. */
  readonly training: string;
  /** Where it is a path of its own. */
  readonly validation?: string;
  readonly test?: string;
  readonly targetColumn: string;
  readonly labelKind: LabelKind;
  /** How a table is read, for people; null for class folders, where there is nothing to find out. */
  readonly table: { readonly image: string; readonly label: string } | null;
  /** A label of several words or a list, which is why the kind is what it is, or why it could be the other one. */
  readonly example: string | null;
}

/**
 * Finds out what kind of labelled data a path is:
 *
 * - a folder with an MLTable, or an annotation file (JSONL, CSV, TSV);
 * - a folder with `train` and `validation` of these, as folders or files (`train_annotations.jsonl`);
 * - a folder with one annotation file, beside its images;
 * - any other folder: one of class folders.
 *
 * Images have several labels when labels are lists. Text in cells is a list when parting it gives a vocabulary rather than
 * pieces of names: each part is a label by itself somewhere, or has a column of its own, or the column is called `labels` or
 * `tags` and there are fewer parts than there are texts. So `polar bear` among `brown bear` and `seal` is the name of one class.
 *
 * @param given what the person has said; it is not found out then
 * @throws IssuesError when files could be meant in more than one way, or cannot be read
 */
export async function recogniseData(
  path: string,
  given: { labelKind?: LabelKind | undefined; targetColumn?: string | undefined } = {},
): Promise<RecognisedData> {
  const where = resolve(path);
  const { train, validation, test } = await tablesIn(where);
  if (train === undefined) {
    const { labelKind = 'multiclass', targetColumn = 'label' } = given;
    return { training: where, targetColumn, labelKind, table: null, example: null };
  }
  const { rows, form, bare, issues, sources } = await readTableRows(train);
  if (rows.length === 0) throw new IssuesError(issues.length > 0 ? issues : [noRecords(train)], { sources });
  const fields = fieldsOf(rows);
  if (boxColumns.every((column) => fields.some((field) => field.toLowerCase() === column)))
    throw new IssuesError([boxesInColumns(train)], { sources });
  const targetColumn = given.targetColumn ?? labelColumn(fields) ?? 'label';
  const { kind, example } = kindOf(
    rows.map((row) => row.fields[targetColumn]),
    { form, fields, plural: /^(labels|tags)$/i.test(targetColumn) },
  );
  return {
    training: train,
    ...(validation !== undefined && { validation }),
    ...(test !== undefined && { test }),
    targetColumn,
    labelKind: given.labelKind ?? kind,
    table: { image: imageColumn(fields, { mayDiffer: bare }), label: targetColumn },
    example,
  };
}

/** The tables that a path means, by what they are for; none for a folder of class folders. */
export async function tablesIn(path: string): Promise<Partial<Record<Part, string>>> {
  if (!statSync(path).isDirectory() || existsSync(join(path, 'MLTable'))) return { train: path };
  const names = readdirSync(path).filter((name) => !name.startsWith('.'));
  const folders = names.filter((name) => existsSync(join(path, name, 'MLTable')));
  const inFolders = partsAmong(path, folders);
  if (inFolders.train !== undefined) return inFolders;
  const files: string[] = [];
  for (const name of names.filter((one) => isTableFile(one) && extname(one).toLowerCase() !== '.json'))
    if (await hasImagesAndLabels(join(path, name))) files.push(name);
  if (files.length === 1) return { train: join(path, files[0]) };
  const inFiles = partsAmong(path, files);
  if (files.length === 0 || inFiles.train !== undefined) return inFiles;
  const message = `there are ${files.length} annotation files: ${files.join(', ')}`;
  const hint = 'name the one that is meant, or call them train and validation';
  throw new IssuesError([{ code: 'several-tables', severity: 'error', file: path, message, hint }]);
}

/** Names such as `train`, `training-mltable-folder`, `validation_annotations.jsonl` by the part that they name. */
function partsAmong(folder: string, names: readonly string[]): Partial<Record<Part, string>> {
  const named = names.flatMap((name): [Part, string][] => {
    const part = partNamed(
      basename(name, extname(name)).replace(/[-_.](annotations?|labels?|data|mltable[-_]folder)$/i, ''),
    );
    return part === undefined ? [] : [[part, join(folder, name)]];
  });
  // Of two with one meaning neither is clear.
  return Object.fromEntries(named.filter(([part]) => named.filter(([other]) => other === part).length === 1));
}

/** A CSV that lies beside class folders may be about anything. */
async function hasImagesAndLabels(file: string): Promise<boolean> {
  const { rows } = await readTableRows(file);
  const fields = fieldsOf(rows);
  return fields.includes(imageColumn(fields, { mayDiffer: true })) && labelColumn(fields) !== undefined;
}

interface Column {
  form: TableForm;
  /** All columns of the table. */
  fields: readonly string[];
  /** It is called as if it held several. */
  plural: boolean;
}

function kindOf(
  values: readonly unknown[],
  { form, fields, plural }: Column,
): { kind: LabelKind; example: string | null } {
  const isList = (value: unknown) =>
    (Array.isArray(value) && value.every((item) => typeof item === 'string')) ||
    (form === 'delimited' && typeof value === 'string' && /^\s*\[.*\]\s*$/.test(value));
  const list = values.find(isList);
  if (list !== undefined)
    return { kind: 'multilabel', example: typeof list === 'string' ? list : JSON.stringify(list) };
  if (form === 'json-lines') return { kind: 'multiclass', example: null };
  const texts = [...new Set(values.filter((value) => typeof value === 'string'))];
  const separator = separatorOf(texts);
  const lists = texts.map((text) => namesIn(text, separator));
  const several = lists.findIndex((names) => names.length > 1);
  if (several < 0) return { kind: 'multiclass', example: null };
  const parts = [...new Set(lists.filter((names) => names.length > 1).flat())];
  const alone = new Set(lists.filter((names) => names.length === 1).flat());
  const isVocabulary =
    parts.every((part) => alone.has(part)) ||
    parts.every((part) => fields.includes(part)) ||
    (plural && new Set(lists.flat()).size < texts.length);
  return { kind: isVocabulary ? 'multilabel' : 'multiclass', example: texts[several] };
}

/** Of tables with a row for each object, as scripts make them of Pascal VOC files. */
const boxColumns = ['xmin', 'ymin', 'xmax', 'ymax'];

const boxesInColumns = (file: string) =>
  ({
    code: 'boxes-in-columns',
    severity: 'error',
    file,
    message: `each of its rows is a box (${boxColumns.join(', ')}), not an image`,
    hint: 'boxes are read from Pascal VOC, COCO and YOLO files, and from JSONL with the objects of an image in one line',
  }) as const;

const noRecords = (file: string) =>
  ({ code: 'empty-set', severity: 'error', file, message: 'there is no record in it' }) as const;
