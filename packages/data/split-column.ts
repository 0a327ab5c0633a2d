import type { Issue } from './issue.ts';
import { describeValue, type Row } from './row.ts';

/** What a part of the data is for. */
export type Part = 'train' | 'validation' | 'test';

const PART_NAMES: Readonly<Record<string, Part>> = {
  train: 'train',
  training: 'train',
  val: 'validation',
  valid: 'validation',
  validation: 'validation',
  dev: 'validation',
  test: 'test',
  testing: 'test',
};

/** The part that a word such as `val` or `Training` names; undefined when it names none. */
export const partNamed = (word: string): Part | undefined => PART_NAMES[word.trim().toLowerCase()];

/** The rows of each part, as the column `split` says; null when no row has one. */
export function partsOf(
  rows: readonly Row[],
  fields: readonly string[],
): { parts: Record<Part, Row[]>; issues: Issue[] } | null {
  const column = fields.find((field) => field.toLowerCase() === 'split');
  if (column === undefined) return null;
  const parts: Record<Part, Row[]> = { train: [], validation: [], test: [] };
  const issues: Issue[] = [];
  for (const row of rows) {
    const value = row.fields[column];
    const part = typeof value === 'string' ? partNamed(value) : undefined;
    if (part !== undefined) parts[part].push(row);
    else {
      const message = `${column} is ${value === undefined ? 'missing' : describeValue(value)}`;
      const { file, line } = row;
      issues.push({ code: 'split-unknown', severity: 'error', file, line, message, hint: 'it is train, val or test' });
    }
  }
  return { parts, issues };
}
