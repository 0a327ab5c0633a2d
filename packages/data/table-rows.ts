import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { Issue } from './issue.ts';
import { readJsonLines } from './json-lines.ts';
import { parseMltable } from './mltable.ts';
import { readMltableRows } from './mltable-rows.ts';
import type { Row } from './row.ts';

/** The records of a table and what is known about the files they come from. */
export interface TableRows {
  readonly rows: Row[];
  readonly issues: Issue[];
  /** Texts (of the MLTable) and numbers of lines (of data files), for `formatIssues`. */
  readonly sources: Map<string, string | { lines: number }>;
  /** Absolute folder where relative paths begin. */
  readonly folder: string;
}

const JSON_LINES = ['.jsonl', '.ndjson', '.json'];

/**
 * Reads the records of a table: a folder with an MLTable file, that file, or a bare JSONL file.
 * @param path absolute
 */
export async function readTableRows(path: string): Promise<TableRows> {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) return refused(path, 'not-there', 'there is no such file or folder');
  if (stats.isDirectory()) {
    const table = join(path, 'MLTable');
    return existsSync(table)
      ? readMltable(table)
      : refused(path, 'no-mltable', 'there is no file named MLTable in it', whatToWrite(path));
  }
  if (basename(path) === 'MLTable') return readMltable(path);
  if (JSON_LINES.includes(extname(path).toLowerCase())) {
    const { rows, issues, lines } = await readJsonLines(path);
    return { rows, issues, sources: new Map([[path, { lines }]]), folder: dirname(path) };
  }
  const hint = `put it in a folder with a file named MLTable that says how it is read, for example: ${mltableFor(basename(path))}`;
  return refused(path, 'unknown-kind', 'it is neither a .jsonl file nor a folder with an MLTable', hint);
}

async function readMltable(file: string): Promise<TableRows> {
  const text = readFileSync(file, 'utf8');
  const folder = dirname(file);
  const sources = new Map<string, string | { lines: number }>([[file, text]]);
  const document = parseMltable(text, file);
  const { table, issues } = document;
  if (!table) return { rows: [], issues, sources, folder };
  const read = await readMltableRows({ ...document, table }, folder);
  for (const [name, lines] of read.lineCounts) sources.set(name, { lines });
  return { rows: read.rows, issues: read.issues, sources, folder };
}

function refused(path: string, code: string, message: string, hint?: string): TableRows {
  const issue: Issue = { code, severity: 'error', file: path, message, hint };
  return { rows: [], issues: [issue], sources: new Map(), folder: path };
}

function whatToWrite(folder: string): string {
  const lines = readdirSync(folder).find((name) => JSON_LINES.includes(extname(name).toLowerCase()));
  return `write one, for example: ${mltableFor(lines ?? 'train.jsonl')}`;
}

function mltableFor(name: string): string {
  const reader = /\.[ct]sv$/i.test(name) ? 'read_delimited' : 'read_json_lines';
  return `{paths: [{file: ./${name}}], transformations: [{${reader}: {}}]}`;
}
