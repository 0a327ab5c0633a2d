import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { readDelimited } from './delimited.ts';
import type { Issue } from './issue.ts';
import { readJsonLines } from './json-lines.ts';
import { parseMltable } from './mltable.ts';
import { readMltableRows } from './mltable-rows.ts';
import type { Row, RowsOfFile, TableForm } from './row.ts';

/** The records of a table and what is known about the files they come from. */
export interface TableRows {
  readonly rows: Row[];
  readonly form: TableForm;
  /** A file without an MLTable that says how it is read: its columns may have other names. */
  readonly bare: boolean;
  readonly issues: Issue[];
  /** Texts (of the MLTable) and numbers of lines (of data files), for `formatIssues`. */
  readonly sources: Map<string, string | { lines: number }>;
  /** Absolute folder where relative paths begin. */
  readonly folder: string;
}

const JSON_LINES = ['.jsonl', '.ndjson', '.json'];
const DELIMITED = ['.csv', '.tsv'];

/** Whether a file is a table of its own, by its name. */
export function isTableFile(name: string): boolean {
  return [...JSON_LINES, ...DELIMITED].includes(extname(name).toLowerCase());
}

/**
 * Reads the records of a table: a folder with an MLTable file, that file, or a bare JSONL, CSV or TSV file. The cells of a
 * bare file are text; its first line has the names of the columns, and tells what parts the cells: `,`, `;` or tabs.
 * @param path absolute
 * @param options.multiLine cells of a bare file may go over several lines, as base64 does that is wrapped
 */
export async function readTableRows(path: string, { multiLine = false } = {}): Promise<TableRows> {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) return refused(path, 'not-there', 'there is no such file or folder');
  if (stats.isDirectory()) {
    const table = join(path, 'MLTable');
    return existsSync(table)
      ? readMltable(table)
      : refused(path, 'no-mltable', 'there is no file named MLTable in it', whatToWrite(path));
  }
  if (basename(path) === 'MLTable') return readMltable(path);
  const ending = extname(path).toLowerCase();
  if (JSON_LINES.includes(ending)) return bareTable(path, 'json-lines', await readJsonLines(path));
  if (DELIMITED.includes(ending)) {
    const [read] = await readDelimited([path], {
      encoding: 'utf8',
      header: 'all_files_same_headers',
      delimiter: await delimiterOf(path),
      inferColumnTypes: false,
      emptyAsString: false,
      includePathColumn: false,
      supportMultiLine: multiLine,
    });
    return bareTable(path, 'delimited', read);
  }
  const hint = `put it in a folder with a file named MLTable that says how it is read, for example: ${mltableFor(basename(path))}`;
  return refused(path, 'unknown-kind', 'it is neither a .jsonl or .csv file nor a folder with an MLTable', hint);
}

function bareTable(path: string, form: TableForm, { rows, issues, lines }: RowsOfFile): TableRows {
  return { rows, form, bare: true, issues, sources: new Map([[path, { lines }]]), folder: dirname(path) };
}

/** The sign that stands most often in the first line. */
async function delimiterOf(file: string): Promise<string> {
  const [header] = (await readFile(file, 'utf8')).split(/[\r\n]/, 1);
  const count = (sign: string) => header.split(sign).length;
  return [',', ';', '\t'].reduce((best, sign) => (count(sign) > count(best) ? sign : best));
}

async function readMltable(file: string): Promise<TableRows> {
  const text = readFileSync(file, 'utf8');
  const folder = dirname(file);
  const sources = new Map<string, string | { lines: number }>([[file, text]]);
  const document = parseMltable(text, file);
  const { table, issues } = document;
  const about = { form: 'json-lines', bare: false, sources, folder } as const;
  if (!table) return { ...about, rows: [], issues };
  const read = await readMltableRows({ ...document, table }, folder);
  for (const [name, lines] of read.lineCounts) sources.set(name, { lines });
  const form = table.transformations[0].read_delimited ? 'delimited' : 'json-lines';
  return { ...about, form, rows: read.rows, issues: read.issues };
}

function refused(path: string, code: string, message: string, hint?: string): TableRows {
  const issue: Issue = { code, severity: 'error', file: path, message, hint };
  return { rows: [], form: 'json-lines', bare: false, issues: [issue], sources: new Map(), folder: path };
}

function whatToWrite(folder: string): string {
  const lines = readdirSync(folder).find((name) => JSON_LINES.includes(extname(name).toLowerCase()));
  return `write one, for example: ${mltableFor(lines ?? 'train.jsonl')}`;
}

function mltableFor(name: string): string {
  const reader = /\.[ct]sv$/i.test(name) ? 'read_delimited' : 'read_json_lines';
  return `{paths: [{file: ./${name}}], transformations: [{${reader}: {}}]}`;
}
