import type { Issue } from './issue.ts';
import { nearest } from './nearest.ts';
import type { Row } from './row.ts';

/** What people call these fields elsewhere. */
const OTHER_NAMES = {
  image_url: ['image', 'url', 'uri', 'path', 'file', 'filename', 'file_name', 'image_path', 'img'],
  label: ['labels', 'class', 'category', 'target', 'tags', 'name'],
};

/** Which field of a table is the image's path. Azure's tables call it `image_url`; other files have names of their own. */
export function imageColumn(fields: readonly string[], { mayDiffer }: { mayDiffer: boolean }): string {
  if (!mayDiffer || fields.includes('image_url')) return 'image_url';
  const called = (name: string) => fields.find((field) => field.toLowerCase() === name);
  return ['image_url', ...OTHER_NAMES.image_url].map(called).find((field) => field !== undefined) ?? 'image_url';
}

/** Which field of a table is the class or the labels, by its name; undefined when none is called so. */
export function labelColumn(fields: readonly string[]): string | undefined {
  const names = ['label', ...OTHER_NAMES.label.filter((name) => name !== 'name')];
  return names.map((name) => fields.find((field) => field.toLowerCase() === name)).find((field) => field !== undefined);
}

/** The names of all fields that any row has, in the order in which they appear. */
export function fieldsOf(rows: readonly Row[]): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row.fields)))];
}

/** A field of the record that was probably meant. */
export function meantField(
  name: string,
  fields: readonly string[],
  known: { image: string; target: string },
): string | undefined {
  const others = fields.filter((field) => !['image_details', known.image, known.target].includes(field));
  const synonyms = OTHER_NAMES[name === known.image ? 'image_url' : 'label'];
  const meant = nearest(name, others) ?? others.find((field) => synonyms.includes(field.toLowerCase()));
  return meant === undefined ? undefined : `"${meant}" is there; is it meant?`;
}

/** One issue for a field that no record has, rather than one per line. */
export function absentField(name: string, rows: readonly Row[], known: { image: string; target: string }): Issue {
  const fields = fieldsOf(rows);
  const asked = name === known.target ? ' (target_column_name)' : '';
  const meant = meantField(name, fields, known);
  const hint = `the fields there are ${fields.join(', ') || 'none'}${meant ? `; ${meant}` : ''}`;
  const message = `no record has the field ${name}${asked}`;
  return { code: 'unknown-field', severity: 'error', file: rows[0].file, message, hint };
}
