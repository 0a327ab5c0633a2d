import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Role } from './checks.ts';
import type { LabelKind } from './dataset.ts';
import { readImageFolder } from './image-folder.ts';
import type { Issue } from './issue.ts';
import type { Part } from './split-column.ts';
import { type DataRead, readTable } from './table.ts';

export interface LabelledImagesOptions {
  /** Of a table: the name of the field with the class or the labels. */
  targetColumn: string;
  labelKind: LabelKind;
  role: Role;
  /** Of data that says what its images are for, this part alone. */
  part?: Part;
}

/**
 * Reads labelled images of any form: a folder with a file named MLTable, or a file, is a table; any other folder holds class
 * folders. Nothing is thrown for what is wrong there: every problem is an issue.
 */
export async function readLabelledImages(path: string, options: LabelledImagesOptions): Promise<DataRead> {
  const isFolder = existsSync(path) && statSync(path).isDirectory();
  if (!isFolder || existsSync(join(path, 'MLTable'))) return readTable(path, options);
  const { train: dataset, issues, ...read } = readImageFolder(path, options);
  const wrong = options.labelKind === 'multilabel' ? [oneClassEach(path)] : issues;
  return { ...read, dataset, issues: wrong, sources: new Map() };
}

const oneClassEach = (file: string): Issue => ({
  code: 'one-class-each',
  severity: 'error',
  file,
  message: 'a folder without an MLTable gives each image one class, that of its folder: task image_classification',
  hint: 'image_classification_multilabel takes a folder with an MLTable, or a JSONL or CSV file with the labels of each image',
});
