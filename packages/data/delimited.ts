import { readFile } from 'node:fs/promises';
import { CsvError, parse } from 'csv-parse/sync';
import type { Issue } from './issue.ts';
import type { Row, RowsOfFile } from './row.ts';
import { decodeText, type Encoding } from './text-file.ts';

export const HEADERS = [
  'no_header',
  'from_first_file',
  'all_files_different_headers',
  'all_files_same_headers',
] as const;

export interface DelimitedOptions {
  encoding: Encoding;
  header: (typeof HEADERS)[number];
  delimiter: string;
  /** Numbers and booleans are recognised per column, by the first 200 rows. */
  inferColumnTypes: boolean;
  /** Otherwise an empty cell is null. */
  emptyAsString: boolean;
  includePathColumn: boolean;
  /** Whether a quoted cell may hold line breaks. */
  supportMultiLine: boolean;
}

interface Cells {
  record: string[];
  info: { lines: number };
}

/** Reads CSV or TSV files that together are one table; `header` says which of them have a first line with names. */
export async function readDelimited(files: readonly string[], options: DelimitedOptions): Promise<RowsOfFile[]> {
  const results: RowsOfFile[] = [];
  let firstNames: string[] | undefined;
  for (const [i, file] of files.entries()) {
    const { cells, issues, lines } = await readCells(file, options);
    const hasHeader = options.header === 'from_first_file' ? i === 0 : options.header !== 'no_header';
    const ownNames = hasHeader ? cells.shift()?.record : undefined;
    firstNames ??= ownNames ?? cells[0]?.record.map((_, column) => `Column${column + 1}`) ?? [];
    const names = options.header === 'all_files_different_headers' ? (ownNames ?? []) : firstNames;
    const rows: Row[] = [];
    for (const { record, line } of startLines(cells, ownNames !== undefined)) {
      if (record.length !== names.length) issues.push(wrongWidth(file, line, record.length, names.length));
      const fields = Object.fromEntries(names.map((name, column) => [name, cell(record[column], options)]));
      rows.push({ fields: options.includePathColumn ? { ...fields, Path: file } : fields, file, line });
    }
    results.push({ rows, issues, lines });
  }
  if (options.inferColumnTypes) inferTypes(results.flatMap((result) => result.rows));
  return results;
}

async function readCells(file: string, options: DelimitedOptions) {
  const text = decodeText(await readFile(file), options.encoding);
  const issues: Issue[] = [];
  if (text === null) {
    const message = `the text is not valid ${options.encoding}`;
    issues.push({ code: 'wrong-encoding', severity: 'error', file, message, hint: 'name its encoding in the MLTable' });
    return { cells: [], issues, lines: 0 };
  }
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  try {
    const format = {
      delimiter: options.delimiter,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
    } as const;
    // The declarations of csv-parse don't know what `info` does to a record.
    const cells = parse(text, format) as unknown as Cells[];
    const broken = options.supportMultiLine
      ? []
      : cells.filter(({ record }) => record.some((value) => /[\r\n]/.test(value)));
    for (const { info } of broken) {
      const message = 'a quoted cell goes over several lines';
      issues.push({
        code: 'multi-line-cell',
        severity: 'error',
        file,
        line: info.lines,
        message,
        hint: 'set support_multi_line: true',
      });
    }
    return { cells, issues, lines };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = typeof error.lines === 'number' ? error.lines : undefined;
    issues.push({ code: 'not-delimited', severity: 'error', file, line, message: error.message });
    return { cells: [], issues, lines };
  }
}

/** csv-parse tells the line where a record ends; people look for the one where it starts. */
function* startLines(cells: Cells[], afterHeader: boolean): Generator<{ record: string[]; line: number }> {
  for (const { record, info } of cells) {
    const breaks = record.reduce((sum, value) => sum + (value.match(/\r\n|\r|\n/g)?.length ?? 0), 0);
    yield { record, line: Math.max(afterHeader ? 2 : 1, info.lines - breaks) };
  }
}

function cell(text: string | undefined, options: DelimitedOptions): string | null {
  return text === undefined || (text === '' && !options.emptyAsString) ? null : text;
}

const INFERRED_ROWS = 200;

/** Turns columns whose first 200 values are all numbers, or all booleans, into such. */
function inferTypes(rows: Row[]): void {
  const sample = rows.slice(0, INFERRED_ROWS);
  for (const name of Object.keys(rows[0]?.fields ?? {})) {
    const values = sample.map((row) => row.fields[name]).filter((value) => typeof value === 'string');
    if (values.length === 0) continue;
    const convert = [parseBoolean, parseNumber].find((candidate) =>
      values.every((value) => candidate(value) !== undefined),
    );
    if (!convert) continue;
    for (const { fields } of rows) {
      const value = fields[name];
      if (typeof value === 'string') fields[name] = convert(value) ?? value;
    }
  }
}

function parseNumber(text: string): number | undefined {
  return /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text) ? Number(text) : undefined;
}

function parseBoolean(text: string): boolean | undefined {
  return /^true$/i.test(text) ? true : /^false$/i.test(text) ? false : undefined;
}

function wrongWidth(file: string, line: number, found: number, wanted: number): Issue {
  const message = `${found} cells where the header has ${wanted}`;
  return { code: 'wrong-number-of-cells', severity: 'error', file, line, message };
}
