import { readFile } from 'node:fs/promises';
import type { Issue } from './issue.ts';
import { jsonFault } from './json-fault.ts';
import { describeValue, type Row, type RowsOfFile } from './row.ts';
import { decodeText, type Encoding } from './text-file.ts';

export interface JsonLinesOptions {
  encoding?: Encoding;
  /** What becomes of a line that is not a JSON object: an error each, or left out with one warning. */
  invalidLines?: 'error' | 'drop';
  /** Adds a field `Path` with the name of the file. */
  includePathColumn?: boolean;
}

/** Reads a file with one JSON object per line. Blank lines don't count. */
export async function readJsonLines(file: string, options: JsonLinesOptions = {}): Promise<RowsOfFile> {
  const { encoding = 'utf8', invalidLines = 'error', includePathColumn = false } = options;
  const bytes = await readFile(file);
  const text = decodeText(bytes, encoding);
  if (text === null) return { rows: [], issues: [wrongEncoding(file, bytes, encoding)], lines: 0 };

  const lines = text.split(/\r\n|\n/);
  const rows: Row[] = [];
  const faults: Issue[] = [];
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const value = parseLine(line);
    if (value instanceof Error) faults.push(notJson(file, i + 1, line));
    else if (typeof value !== 'object' || value === null || Array.isArray(value))
      faults.push(notAnObject(file, i + 1, value));
    else rows.push({ fields: includePathColumn ? { ...value, Path: file } : { ...value }, file, line: i + 1 });
  }
  const count = lines.at(-1) === '' ? lines.length - 1 : lines.length;
  if (faults.length > 1 && !(parseLine(text) instanceof Error)) {
    return { rows: [], issues: [oneDocument(file)], lines: count };
  }
  if (invalidLines === 'drop' && faults.length > 0) return { rows, issues: [dropped(file, faults)], lines: count };
  return { rows, issues: faults, lines: count };
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    return error;
  }
}

function notJson(file: string, line: number, text: string): Issue {
  const fault = jsonFault(text) ?? { column: 1, message: 'it cannot be parsed' };
  const message = `not JSON: ${fault.message}, at column ${fault.column}`;
  return { code: 'not-json', severity: 'error', file, line, column: fault.column, message };
}

function notAnObject(file: string, line: number, value: unknown): Issue {
  const message = `this line is ${describeValue(value)}, not an object`;
  return {
    code: 'not-an-object',
    severity: 'error',
    file,
    line,
    message,
    hint: 'each line is one {"image_url": …, "label": …}',
  };
}

function oneDocument(file: string): Issue {
  const message = 'the file is one JSON document spread over several lines';
  return {
    code: 'not-json-lines',
    severity: 'error',
    file,
    message,
    hint: 'JSONL has one object per line, without commas between',
  };
}

function dropped(file: string, faults: Issue[]): Issue {
  const which = faults.slice(0, 10).map((fault) => fault.line);
  const more = faults.length > which.length ? ', …' : '';
  const message = `left out, as invalid_lines: drop asks: ${faults.length} that are not JSON objects (line ${which.join(', ')}${more})`;
  return { code: 'lines-dropped', severity: 'warning', file, line: faults[0].line, message };
}

function wrongEncoding(file: string, bytes: Uint8Array, encoding: Encoding): Issue {
  const hint = bytes.includes(0)
    ? 'this does not look like text; is it UTF-16 (encoding: utf16)?'
    : encoding === 'utf8'
      ? 'save it as UTF-8, or name its encoding in the MLTable (encoding: windows1252)'
      : 'name the right encoding in the MLTable';
  return { code: 'wrong-encoding', severity: 'error', file, message: `the text is not valid ${encoding}`, hint };
}
