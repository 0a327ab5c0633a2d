import type { Issue } from './issue.ts';
import type { MltableDocument, Transformation } from './mltable.ts';
import { didYouMean } from './nearest.ts';
import { createRng } from './rng.ts';
import { describeValue, type Row } from './row.ts';

type IssueAt = MltableDocument['issueAt'];
type Conversion = NonNullable<Transformation['convert_column_types']>[number];

/**
 * Applies one transformation of an MLTable to rows (the readers are applied before there are rows).
 * @param issueAt makes an issue at a place inside of this transformation
 */
export function applyTransformation(
  rows: Row[],
  step: Transformation,
  issueAt: IssueAt,
): { rows: Row[]; issues: Issue[] } {
  if (step.skip !== undefined) return { rows: rows.slice(step.skip), issues: [] };
  if (step.take !== undefined) return { rows: rows.slice(0, step.take), issues: [] };
  if (step.take_random_sample) {
    const { probability, seed } = step.take_random_sample;
    const rng = createRng(seed);
    return { rows: rows.filter(() => rng.uniform() < probability), issues: [] };
  }
  if (step.drop_columns) {
    const dropped = new Set(step.drop_columns);
    return {
      rows: select(rows, (name) => !dropped.has(name)),
      issues: unknownColumns(rows, 'drop_columns', step.drop_columns, issueAt),
    };
  }
  if (step.keep_columns) {
    const kept = new Set(step.keep_columns);
    return {
      rows: select(rows, (name) => kept.has(name)),
      issues: unknownColumns(rows, 'keep_columns', step.keep_columns, issueAt),
    };
  }
  return convert(rows, step.convert_column_types ?? [], issueAt);
}

function select(rows: Row[], keep: (name: string) => boolean): Row[] {
  return rows.map((row) => ({
    ...row,
    fields: Object.fromEntries(Object.entries(row.fields).filter(([name]) => keep(name))),
  }));
}

/** A column that no record has is most likely a misspelling. */
function unknownColumns(rows: Row[], step: string, columns: readonly string[], issueAt: IssueAt): Issue[] {
  if (rows.length === 0) return [];
  const known = new Set(rows.flatMap((row) => Object.keys(row.fields)));
  return columns
    .filter((column) => !known.has(column))
    .map((column) => issueAt([step], 'unknown-column', `no record has a field ${column}`, didYouMean(column, known)));
}

function convert(rows: Row[], conversions: Conversion[], issueAt: IssueAt): { rows: Row[]; issues: Issue[] } {
  const issues: Issue[] = [];
  const converted = rows.map((row) => ({ ...row, fields: { ...row.fields } }));
  for (const [i, { columns, column_type }] of conversions.entries()) {
    const unknown = unknownColumns(rows, 'convert_column_types', columns, (path, ...problem) =>
      issueAt([...path, i, 'columns'], ...problem),
    );
    issues.push(...unknown);
    for (const { fields, file, line } of converted) {
      for (const column of columns) {
        const value = fields[column];
        if (value === undefined || value === null) continue;
        const result = convertValue(value, column_type);
        if (result !== undefined) fields[column] = result;
        else {
          const wanted = typeof column_type === 'string' ? column_type : 'boolean';
          const message = `${column} is ${describeValue(value)}, which cannot be read as ${wanted}`;
          issues.push({
            code: 'not-convertible',
            severity: 'error',
            file,
            line,
            message,
            hint: 'as convert_column_types asks',
          });
        }
      }
    }
  }
  return { rows: converted, issues };
}

/** The value in its new type; undefined when it cannot be read as such. */
function convertValue(value: unknown, type: Conversion['column_type']): unknown {
  // A stream is opened later, when the image is read; until then it is the text that says where, checked there.
  if (type === 'stream_info') return value;
  if (typeof value === 'object') return undefined;
  const text = String(value).trim();
  if (typeof type === 'object') {
    if (type.boolean.true_values.includes(text)) return true;
    return type.boolean.false_values.includes(text) ? false : undefined;
  }
  switch (type) {
    case 'string':
      return String(value);
    case 'int':
      return /^[-+]?\d+(\.0*)?$/.test(text) ? Number(text) : undefined;
    case 'float':
      return text !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined;
    case 'boolean':
      return { true: true, false: false, '1': true, '0': false }[text.toLowerCase()];
  }
}
