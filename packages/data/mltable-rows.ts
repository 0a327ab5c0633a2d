import { globSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readDelimited } from './delimited.ts';
import type { Issue } from './issue.ts';
import { readJsonLines } from './json-lines.ts';
import type { Mltable, MltableDocument, Transformation } from './mltable.ts';
import type { Row } from './row.ts';
import { applyTransformation } from './transformation.ts';

export interface TableRows {
  rows: Row[];
  issues: Issue[];
  /** Lines of each file that was read. */
  lineCounts: Map<string, number>;
}

/**
 * Reads the files of an MLTable and applies its transformations in order.
 * @param folder absolute folder of the MLTable file, where its relative paths begin
 */
export async function readMltableRows(
  document: MltableDocument & { table: Mltable },
  folder: string,
): Promise<TableRows> {
  const { table, issueAt } = document;
  let issues: Issue[] = [];
  const named = table.paths.flatMap((path, i) => {
    const [[kind, value]] = Object.entries(path);
    const found = filesOf(kind, localPath(value), folder);
    if (found.length === 0) issues.push(issueAt(['paths', i, kind], 'path-missing', nothingThere(kind, value, folder)));
    return found;
  });
  const [reader, ...steps] = table.transformations;
  const files = [...new Set(named)];
  const read = await readFiles(files, reader);
  const lineCounts = new Map(read.map(({ lines }, i) => [files[i], lines]));
  issues = issues.concat(read.flatMap((file) => file.issues));
  let rows = read.flatMap((file) => file.rows);
  for (const [i, step] of steps.entries()) {
    const applied = applyTransformation(rows, step, (path, ...problem) =>
      issueAt(['transformations', i + 1, ...path], ...problem),
    );
    rows = applied.rows;
    issues = issues.concat(applied.issues);
  }
  return { rows, issues, lineCounts };
}

function localPath(value: string): string {
  return value.startsWith('file:') ? fileURLToPath(value) : value;
}

function filesOf(kind: string, value: string, folder: string): string[] {
  const path = resolve(folder, value);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (kind === 'file') return stats?.isFile() ? [path] : [];
  if (kind === 'pattern') {
    return globSync(value, { cwd: folder })
      .map((name) => resolve(folder, name))
      .filter((name) => statSync(name, { throwIfNoEntry: false })?.isFile())
      .sort();
  }
  if (!stats?.isDirectory()) return [];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.') && entry.name !== 'MLTable')
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function nothingThere(kind: string, value: string, folder: string): string {
  if (kind === 'pattern') return `no file fits this pattern in ${folder}`;
  const stats = statSync(resolve(folder, localPath(value)), { throwIfNoEntry: false });
  if (!stats) return `${value} is not there (looked in ${folder})`;
  return kind === 'file' ? `${value} is a folder; write folder: instead of file:` : `${value} has no files`;
}

async function readFiles(files: string[], { read_json_lines: lines, read_delimited: cells }: Transformation) {
  if (lines) {
    const options = {
      encoding: lines.encoding,
      invalidLines: lines.invalid_lines,
      includePathColumn: lines.include_path_column,
    };
    return Promise.all(files.map((file) => readJsonLines(file, options)));
  }
  if (!cells) return [];
  return readDelimited(files, {
    encoding: cells.encoding,
    header: cells.header,
    delimiter: cells.delimiter,
    inferColumnTypes: cells.infer_column_types,
    emptyAsString: cells.empty_as_string,
    includePathColumn: cells.include_path_column,
    supportMultiLine: cells.support_multi_line,
  });
}
