import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type DeclaredSize, readImageDetails } from './image-details.ts';
import { ImageFinder, isRemote } from './image-url.ts';
import { type Issue, type Sources, shortPath } from './issue.ts';
import { describeValue, type Row, type TableForm } from './row.ts';
import { type Part, partsOf } from './split-column.ts';
import { absentField, fieldsOf, imageColumn, meantField } from './table-columns.ts';
import { readTableRows, type TableRows } from './table-rows.ts';

/** What is wrong with a label field, before it has a file and a line. `message` is a whole sentence. */
export type FieldProblem = Pick<Issue, 'code' | 'severity' | 'message' | 'hint' | 'path'>;

/** What a label field says; undefined when it cannot be used. */
export interface FieldReading<Label> {
  readonly label: Label | undefined;
  readonly problems: readonly FieldProblem[];
}

/** What the rows of a table become. */
export interface RecordKind<Label, Made> {
  /** The reader of the column with the labels. It sees the whole column first, for that may decide how a cell is read. */
  reader(
    values: readonly unknown[],
    column: string,
    form: TableForm,
  ): (value: unknown, size: DeclaredSize) => FieldReading<Label>;
  record(image: FoundImage, label: Label): Made;
  /** Each image once. */
  withoutDoubles(records: readonly Made[]): { records: Made[]; issues: Issue[] };
}

/** An image of a table's row. */
export interface FoundImage extends DeclaredSize {
  /** Absolute. */
  readonly file: string;
  readonly bytes: number;
  readonly source: { readonly file: string; readonly line: number };
}

/** The records of a table by what they are for, and all that is wrong with them. */
export interface TableSets<Made> {
  /** For training; or of the part that was asked for. */
  readonly records: Made[];
  /** Of a bare file with a column `split`. */
  readonly validation?: Made[];
  /** Whether the source says which images are for training, validation and testing. */
  readonly isSplit: boolean;
  /** Images that the source keeps for testing; they are in neither set. */
  readonly testImages: number;
  readonly issues: Issue[];
  /** Of the files that the issues point into. */
  readonly sources: Sources;
}

/**
 * Reads annotations of any kind: a folder with an MLTable file, or a bare JSONL, CSV or TSV file.
 * @param path absolute
 * @param options.targetColumn name of the field with the labels
 * @param options.imagesFolder absolute; where images that are named without a folder are looked for, too
 * @param options.part of a bare file with a column `split`, the rows of this part alone
 */
export async function readTableSets<Label, Made>(
  path: string,
  {
    targetColumn,
    part,
    imagesFolder,
  }: { targetColumn: string; part?: Part | undefined; imagesFolder?: string | undefined },
  kind: RecordKind<Label, Made>,
): Promise<TableSets<Made>> {
  const table = await readTableRows(path);
  const { rows, sources } = table;
  const fields = fieldsOf(rows);
  const columns = { image: imageColumn(fields, { mayDiffer: table.bare }), target: targetColumn };
  const absent = rows.length === 0 ? [] : [columns.image, targetColumn].filter((name) => !fields.includes(name));
  // Lists of issues may be long: they are joined by concat, for a call with that many arguments overflows the stack.
  let issues = table.issues.concat(absent.map((name) => absentField(name, rows, columns)));

  const split = table.bare ? partsOf(rows, fields) : null;
  issues = issues.concat(split?.issues ?? []);
  const read = async (members: readonly Row[]): Promise<Made[]> => {
    if (absent.length > 0) return [];
    const set = await readRecords(members, table, { ...columns, folder: imagesFolder }, kind);
    issues = issues.concat(set.issues);
    return set.records;
  };
  const records = await read(split?.parts[part ?? 'train'] ?? rows);
  const validation =
    part === undefined && split?.parts.validation.length ? await read(split.parts.validation) : undefined;
  // When lines are wrong, that there are too few right ones is only a consequence.
  if (split && rows.length > 0 && records.length === 0 && !issues.some(({ severity }) => severity === 'error'))
    issues.push(noRowOf(part ?? 'train', path));
  const testImages = part === undefined ? (split?.parts.test.length ?? 0) : 0;
  return { records, ...(validation && { validation }), isSplit: split !== null, testImages, issues, sources };
}

interface Columns {
  readonly image: string;
  readonly target: string;
}

async function readRecords<Label, Made>(
  rows: readonly Row[],
  { form, bare, folder }: TableRows,
  columns: Columns & { folder: string | undefined },
  kind: RecordKind<Label, Made>,
): Promise<{ records: Made[]; issues: Issue[] }> {
  const images = join(folder, 'images');
  const finder = new ImageFinder(folder, columns.folder ?? (bare && existsSync(images) ? images : undefined));
  const values = rows.map(({ fields }) => fields[columns.target]);
  const readField = kind.reader(values, columns.target, form);
  const results = await inOrder(rows, (row) => readRow(row, columns, readField, finder));
  const found = results.flatMap(({ image, label }) =>
    image !== undefined && label !== undefined ? [kind.record(image, label)] : [],
  );
  const { records, issues } = kind.withoutDoubles(found);
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

async function readRow<Label>(
  row: Row,
  columns: Columns,
  readField: (value: unknown, size: DeclaredSize) => FieldReading<Label>,
  finder: ImageFinder,
): Promise<{ image?: FoundImage; label?: Label; issues: Issue[] }> {
  const { fields, file, line } = row;
  const source = { file, line };
  const details = readImageDetails(row);
  const issues = [...details.issues];
  const wrong = (code: string, message: string, hint?: string) => {
    issues.push({ code, severity: 'error', ...source, message, ...(hint !== undefined && { hint }) });
  };
  const missing = (code: string, name: string) =>
    wrong(code, `${name} is missing`, meantField(name, Object.keys(fields), columns));

  let label: Label | undefined;
  if (!Object.hasOwn(fields, columns.target)) missing('label-missing', columns.target);
  else {
    const read = readField(fields[columns.target], details.size);
    label = read.label;
    for (const problem of read.problems) issues.push({ ...problem, ...source });
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
    else if (label !== undefined && issues.every((issue) => issue.severity === 'warning'))
      return { image: { ...location, source, ...details.size }, label, issues };
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
