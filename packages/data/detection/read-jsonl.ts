import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, parse, relative } from 'node:path';
import type { Issue } from '../issue.ts';
import { type Part, partNamed } from '../split-column.ts';
import { type AnnotatedImage, type Annotations, type ImporterOptions, Losses } from './annotated-image.ts';
import { settleSizes } from './image-lookup.ts';
import { type ObjectRecord, objectClassesOf } from './object-record.ts';
import { readObjectTable } from './object-table.ts';

/** The tables that a path means: itself, folders with an MLTable in it, or annotation files, and what each is for. */
export function jsonlFilesIn(path: string): { path: string; part: Part | undefined }[] {
  if (!statSync(path).isDirectory() || existsSync(join(path, 'MLTable'))) return [{ path, part: undefined }];
  const names = readdirSync(path).filter((name) => !name.startsWith('.'));
  const partIn = (name: string) =>
    parse(name)
      .name.split(/[^a-z]+/i)
      .map(partNamed)
      .find((part) => part !== undefined);
  const folders = names.filter((name) => existsSync(join(path, name, 'MLTable')));
  const files = names.filter((name) => ['.jsonl', '.ndjson'].includes(extname(name).toLowerCase()));
  return (folders.length > 0 ? folders : files).map((name) => ({ path: join(path, name), part: partIn(name) }));
}

/** Reads annotations in Azure's schema, as `readObjectTable` does, for conversion. */
export async function readJsonl(path: string, { imagesFolder, repair }: ImporterOptions = {}): Promise<Annotations> {
  const tables = jsonlFilesIn(path);
  const found: { record: ObjectRecord; part: Part | undefined }[] = [];
  let issues: Issue[] = [];
  const losses = new Losses();
  for (const table of tables) {
    const read = await readObjectTable(table.path, { role: 'validation', imagesFolder, repair });
    issues = issues.concat(read.issues.filter(({ code }) => !['empty-set', 'class-not-validated'].includes(code)));
    const part = tables.length > 1 ? table.part : undefined;
    for (const record of read.dataset.records) found.push({ record, part: read.isSplit ? 'train' : part });
    for (const record of read.validation?.records ?? []) found.push({ record, part: 'validation' });
    if (read.testImages > 0) {
      const test = await readObjectTable(table.path, { role: 'validation', part: 'test', imagesFolder, repair });
      issues = issues.concat(test.issues);
      for (const record of test.dataset.records) found.push({ record, part: 'test' });
    }
  }
  if (tables.length === 0)
    issues.push({
      code: 'no-jsonl',
      severity: 'error',
      file: path,
      message: 'there is no MLTable and no .jsonl file in it',
    });
  issues = issues.concat(await settleSizes(found.map(({ record }) => record)));
  const root = commonFolder(found.map(({ record }) => record.file));
  const images = found.map(
    ({ record, part }): AnnotatedImage => ({
      ...record,
      name: relative(root, record.file).replaceAll('\\', '/') || basename(record.file),
      part,
    }),
  );
  return { images, classes: objectClassesOf(images), issues, losses };
}

/** The deepest folder that all files are in. */
function commonFolder(files: readonly string[]): string {
  let common = dirname(files[0] ?? '.');
  for (const file of files) while (relative(common, file).startsWith('..')) common = dirname(common);
  return common;
}
