import type { Issue } from './issue.ts';

/** One record of a table before its fields have a meaning. */
export interface Row {
  readonly fields: Record<string, unknown>;
  readonly file: string;
  /** 1-based line in `file` where the record starts. */
  readonly line: number;
}

/** How a table is written: each line a JSON object, or cells of text that delimiters part. */
export type TableForm = 'json-lines' | 'delimited';

/** What a reader made of one file. */
export interface RowsOfFile {
  rows: Row[];
  issues: Issue[];
  /** Number of lines in the file. */
  lines: number;
}

/** What a value is, for people: `a list`, `a number (3)`. */
export function describeValue(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return `a ${typeof value} (${JSON.stringify(value)})`;
}
