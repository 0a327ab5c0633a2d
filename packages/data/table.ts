import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { checkDataset, checkValidation, type Role } from './checks.ts';
import { classesOf, type Dataset, type ImageRecord, type LabelKind } from './dataset.ts';
import { withoutDoubles } from './doubles.ts';
import { readImageDetails } from './image-details.ts';
import { ImageFinder, isRemote } from './image-url.ts';
import { type Issue, type Sources, shortPath } from './issue.ts';
import { type LabelReader, labelReader } from './label-field.ts';
import { describeValue, type Row } from './row.ts';
import { type Part, partsOf } from './split-column.ts';
import { absentField, fieldsOf, imageColumn, meantField } from './table-columns.ts';
import { readTableRows, type TableRows } from './table-rows.ts';

export interface ReadTableOptions {
  /** Name of the field with the class or the labels (`target_column_name`). Default `label`. */
  targetColumn?: string;
  /** Whether an image has one class or any number of labels. Default `multiclass`. */
  labelKind?: LabelKind;
  /** A training set needs ten images and two classes, a validation set one image. Default `training`. */
  role?: Role;
  /** Of a bare file with a column `split`, the rows of this part alone. Default: training, with validation beside it. */
  part?: Part;
}

/** Labelled images as they were read, and all that is wrong with them. */
export interface DataRead {
  dataset: Dataset;
  /** Of the same source, where it says which images validate. */
  validation?: Dataset;
  /** Whether the source says which images are for training, validation and testing. */
  isSplit: boolean;
  /** Images that the source keeps for testing; they are in neither set. */
  testImages: number;
  issues: Issue[];
  /** Of the files that the issues point into. */
  sources: Sources;
}

/**
 * Reads annotations for classification: a folder with an MLTable file, or a bare JSONL, CSV or TSV file. Nothing is thrown
 * for what is wrong in them: every problem is an issue, and the dataset holds the records that are right.
 *
 * A bare file may call its `image_url` otherwise (`file`, `filename`, `image`, …), and may have a column `split` with
 * `train`, `val` and `test`: the rows for validation are a set of their own, those for testing are left out.
 */
export async function readTable(
  path: string,
  { targetColumn = 'label', labelKind = 'multiclass', role = 'training', part }: ReadTableOptions = {},
): Promise<DataRead> {
  const where = resolve(path);
  const table = await readTableRows(where);
  const { rows, sources } = table;
  const fields = fieldsOf(rows);
  const columns = { image: imageColumn(fields, { mayDiffer: table.bare }), target: targetColumn };
  const absent = rows.length === 0 ? [] : [columns.image, targetColumn].filter((name) => !fields.includes(name));
  // Lists of issues may be long: they are joined by concat, for a call with that many arguments overflows the stack.
  let issues = table.issues.concat(absent.map((name) => absentField(name, rows, columns)));

  const split = table.bare ? partsOf(rows, fields) : null;
  issues = issues.concat(split?.issues ?? []);
  const read = async (members: readonly Row[]): Promise<Dataset> => {
    if (absent.length > 0) return { name: basename(where), classes: [], records: [] };
    const set = await readRecords(members, table, columns, labelKind);
    issues = issues.concat(set.issues);
    return { name: basename(where), classes: classesOf(set.records), records: set.records };
  };
  const dataset = await read(split?.parts[part ?? 'train'] ?? rows);
  const validation =
    part === undefined && split?.parts.validation.length ? await read(split.parts.validation) : undefined;

  // When lines are wrong, that there are too few right ones is only a consequence.
  const isRight = () => !issues.some((issue) => issue.severity === 'error');
  if (isRight() && split && rows.length > 0 && dataset.records.length === 0)
    issues.push(noRowOf(part ?? 'train', where));
  if (isRight()) issues.push(...checkDataset(dataset, { role, labelKind, where }));
  if (validation && isRight()) issues.push(...checkValidation(dataset, validation));
  const testImages = part === undefined ? (split?.parts.test.length ?? 0) : 0;
  return { dataset, ...(validation && { validation }), isSplit: split !== null, testImages, issues, sources };
}

interface Columns {
  readonly image: string;
  readonly target: string;
}

async function readRecords(
  rows: readonly Row[],
  { form, bare, folder }: TableRows,
  columns: Columns,
  labelKind: LabelKind,
): Promise<{ records: ImageRecord[]; issues: Issue[] }> {
  const images = join(folder, 'images');
  const finder = new ImageFinder(folder, bare && existsSync(images) ? images : undefined);
  const values = rows.map(({ fields }) => fields[columns.target]);
  const readLabels = labelReader(values, labelKind, form);
  const results = await inOrder(rows, (row) => readRow(row, columns, readLabels, finder));
  const { records, issues } = withoutDoubles(
    results.flatMap(({ record }) => record ?? []),
    labelKind,
  );
  return { records, issues: results.flatMap((result) => result.issues).concat(issues) };
}

const AT_ONCE = 64;

async function inOrder<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(start, start + AT_ONCE).map(work))));
  }
  return results;
}

async function readRow(
  row: Row,
  columns: Columns,
  readLabels: LabelReader,
  finder: ImageFinder,
): Promise<{ record?: ImageRecord; issues: Issue[] }> {
  const { fields, file, line } = row;
  const details = readImageDetails(row);
  const issues = [...details.issues];
  const wrong = (code: string, message: string, hint?: string) => {
    issues.push({ code, severity: 'error', file, line, message, ...(hint !== undefined && { hint }) });
  };
  const missing = (code: string, name: string) =>
    wrong(code, `${name} is missing`, meantField(name, Object.keys(fields), columns));

  let labels: readonly string[] = [];
  if (!Object.hasOwn(fields, columns.target)) missing('label-missing', columns.target);
  else {
    const read = readLabels(fields[columns.target]);
    if ('code' in read) wrong(read.code, `${columns.target} ${read.message}`, read.hint);
    else labels = read;
  }

  const url = fields[columns.image];
  if (url === undefined) missing('image-url-missing', columns.image);
  else if (typeof url !== 'string' || url === '')
    wrong(
      'image-url-type',
      `${columns.image} is ${url === '' ? 'empty' : describeValue(url)}`,
      'it is the path of an image',
    );
  else {
    const location = await finder.find(url, dirname(file));
    if ('lookedIn' in location) wrong('image-missing', notThere(url, location.lookedIn), missingHint(url));
    else if (issues.every((issue) => issue.severity === 'warning')) {
      return { record: { ...location, labels, source: { file, line }, ...details.size }, issues };
    }
  }
  return { issues };
}

function notThere(url: string, lookedIn: readonly string[]): string {
  const folders = lookedIn.map((folder) => `${shortPath(folder)}/`);
  return `${isRemote(url) ? endOf(url) : url} is not there${folders.length > 0 ? ` (looked in ${folders.join(', ')})` : ''}`;
}

/** The part of a long URI that tells one image from another. */
function endOf(url: string): string {
  const end = url.split('/').slice(-3).join('/');
  return end.length + 2 < url.length ? `…/${end}` : url;
}

function missingHint(url: string): string | undefined {
  if (isRemote(url)) return 'remote images are not fetched yet: put a copy of them beside the annotations';
  return url.includes('\\') ? 'write / instead of \\ in paths' : undefined;
}

const noRowOf = (part: Part, file: string): Issue => ({
  code: 'empty-part',
  severity: 'error',
  file,
  message: `no row has ${part === 'validation' ? 'val' : part} in its column split`,
});
