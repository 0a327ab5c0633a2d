import { basename, dirname, resolve } from 'node:path';
import { checkDataset, type Role } from './checks.ts';
import { classesOf, type Dataset, type ImageRecord } from './dataset.ts';
import { readImageDetails } from './image-details.ts';
import { ImageFinder, isRemote } from './image-url.ts';
import { type Issue, type Sources, shortPath } from './issue.ts';
import { nearest } from './nearest.ts';
import { describeValue, type Row } from './row.ts';
import { readTableRows } from './table-rows.ts';

export interface ReadTableOptions {
  /** Name of the field with the class (`target_column_name`). Default `label`. */
  targetColumn?: string;
  /** A training set needs ten images and two classes, a validation set one image. Default `training`. */
  role?: Role;
}

/**
 * Reads annotations for multi-class classification: a folder with an MLTable file, or a JSONL file. Nothing is thrown for
 * what is wrong in them: every problem is an issue, and the dataset holds the records that are right.
 */
export async function readTable(
  path: string,
  { targetColumn = 'label', role = 'training' }: ReadTableOptions = {},
): Promise<{ dataset: Dataset; issues: Issue[]; sources: Sources }> {
  const where = resolve(path);
  const { rows, issues: unreadable, sources, folder } = await readTableRows(where);
  // Lists of issues may be long: they are joined by concat, for a call with that many arguments overflows the stack.
  let issues = unreadable;
  const finder = new ImageFinder(folder);
  const absent =
    rows.length === 0
      ? []
      : ['image_url', targetColumn].filter((name) => !rows.some((row) => Object.hasOwn(row.fields, name)));
  issues = issues.concat(absent.map((name) => absentField(name, rows, targetColumn)));
  let found: ImageRecord[] = [];
  if (absent.length === 0) {
    const results = await inOrder(rows, (row) => readRow(row, targetColumn, finder));
    issues = issues.concat(results.flatMap((result) => result.issues));
    found = results.flatMap(({ record }) => record ?? []);
  }
  const { records, issues: doubles } = withoutDoubles(found);
  issues = issues.concat(doubles);
  const dataset = { name: basename(where), classes: classesOf(records), records };
  // When lines are wrong, that there are too few right ones is only a consequence.
  if (!issues.some((issue) => issue.severity === 'error')) issues.push(...checkDataset(dataset, role, where));
  return { dataset, issues, sources };
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
  targetColumn: string,
  finder: ImageFinder,
): Promise<{ record?: ImageRecord; issues: Issue[] }> {
  const { fields, file, line } = row;
  const details = readImageDetails(row);
  const issues = [...details.issues];
  const wrong = (code: string, message: string, hint?: string) => {
    issues.push({ code, severity: 'error', file, line, message, ...(hint !== undefined && { hint }) });
  };

  const label = fields[targetColumn];
  if (label === undefined)
    wrong('label-missing', `${targetColumn} is missing`, meantField(targetColumn, Object.keys(fields), targetColumn));
  else if (typeof label !== 'string')
    wrong('label-type', `${targetColumn} is ${describeValue(label)}`, rightLabel(label));
  else if (label.trim() === '') wrong('label-empty', `${targetColumn} is empty`, 'give the name of the class');

  const url = fields.image_url;
  if (url === undefined)
    wrong('image-url-missing', 'image_url is missing', meantField('image_url', Object.keys(fields), targetColumn));
  else if (typeof url !== 'string' || url === '')
    wrong('image-url-type', `image_url is ${url === '' ? 'empty' : describeValue(url)}`, 'it is the path of an image');
  else {
    const location = await finder.find(url, dirname(file));
    if ('lookedIn' in location) wrong('image-missing', notThere(url, location.lookedIn), missingHint(url));
    else if (issues.every((issue) => issue.severity === 'warning')) {
      const record = { ...location, labels: [label as string], source: { file, line }, ...details.size };
      return { record, issues };
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

function rightLabel(label: unknown): string {
  if (Array.isArray(label)) {
    return label.some((item) => typeof item === 'object')
      ? 'that is for object detection or segmentation; image_classification takes one class name'
      : 'that is multi-label, task image_classification_multilabel; image_classification takes one class name';
  }
  if (typeof label === 'number' || typeof label === 'boolean') {
    return `write it as text, "${label}", or convert the column to string in the MLTable (convert_column_types)`;
  }
  return 'it is the name of one class, as in "cat"';
}

/** What people call these fields elsewhere. */
const OTHER_NAMES: Record<string, readonly string[]> = {
  image_url: ['image', 'url', 'uri', 'path', 'file', 'filename', 'file_name', 'image_path', 'img'],
  label: ['class', 'category', 'target', 'labels', 'name'],
};

/** A field of the record that was probably meant. */
function meantField(name: string, fields: readonly string[], targetColumn: string): string | undefined {
  const others = fields.filter((field) => !['image_url', 'image_details', targetColumn].includes(field));
  const synonyms = OTHER_NAMES[name] ?? OTHER_NAMES.label;
  const meant = nearest(name, others) ?? others.find((field) => synonyms.includes(field.toLowerCase()));
  return meant === undefined ? undefined : `"${meant}" is there; is it meant?`;
}

/** One issue for a field that no record has, rather than one per line. */
function absentField(name: string, rows: readonly Row[], targetColumn: string): Issue {
  const fields = [...new Set(rows.flatMap((row) => Object.keys(row.fields)))];
  const asked = name === targetColumn ? ' (target_column_name)' : '';
  const meant = meantField(name, fields, targetColumn);
  const hint = `the fields there are ${fields.join(', ') || 'none'}${meant ? `; ${meant}` : ''}`;
  return {
    code: 'unknown-field',
    severity: 'error',
    file: rows[0].file,
    message: `no record has the field ${name}${asked}`,
    hint,
  };
}

/** Each image once. Twice with one label is odd, with two labels wrong. */
function withoutDoubles(found: readonly ImageRecord[]): { records: ImageRecord[]; issues: Issue[] } {
  const first = new Map<string, ImageRecord>();
  const issues: Issue[] = [];
  for (const record of found) {
    const other = first.get(record.file);
    if (!other) {
      first.set(record.file, record);
      continue;
    }
    const place =
      other.source.file === record.source.file
        ? `line ${other.source.line}`
        : `${other.source.file}, line ${other.source.line}`;
    const image = shortPath(record.file);
    issues.push(
      other.labels[0] === record.labels[0]
        ? {
            code: 'image-twice',
            severity: 'warning',
            ...record.source,
            message: `${image} stands in ${place} already; it is used once`,
          }
        : {
            code: 'two-labels',
            severity: 'error',
            ...record.source,
            message: `${image} is "${record.labels[0]}" here and "${other.labels[0]}" in ${place}`,
            hint: 'an image has one class in image_classification',
          },
    );
  }
  return { records: [...first.values()], issues };
}
