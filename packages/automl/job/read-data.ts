import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  checkValidation,
  type Dataset,
  type Issue,
  type LabelKind,
  type Part,
  type Role,
  readImageFolder,
  readTable,
  type Sources,
} from '@fovea/data';
import type { ImageJob } from '../spec/job.ts';
import type { Task } from '../spec/tasks.ts';

/** The images that the data paths of a job name. None of them has been opened yet. */
export interface JobDataRead {
  train: Dataset;
  /** Given by the job, or by a `val/` beside `train/`. */
  validation: Dataset | undefined;
  /** Images that the data itself keeps for testing; they are in neither set. */
  testImages: number;
  issues: Issue[];
  /** Of the files that the issues point into. */
  sources: Sources;
}

/**
 * Reads what `training_data` and `validation_data` name: an MLTable folder, a JSONL, CSV or TSV file, or a folder of class folders.
 * Nothing is thrown for what is wrong there: every problem is an issue.
 *
 * @param baseFolder where relative paths begin: the job file's folder
 */
export async function readJobData(
  job: Pick<ImageJob, 'task' | 'training_data' | 'validation_data' | 'target_column_name'>,
  baseFolder: string,
): Promise<JobDataRead> {
  const labelKind = labelKindOf(job.task);
  const source = (path: string) => ({
    path: resolve(baseFolder, path),
    labelKind,
    targetColumn: job.target_column_name,
  });
  const training = await readSource({ ...source(job.training_data.path), role: 'training' });
  if (job.validation_data === undefined) return training;
  const given = await readSource({ ...source(job.validation_data.path), role: 'validation', part: 'validation' });
  const alone = [...training.issues, ...given.issues];
  // Between sets of which one is wrong already, a comparison only makes noise.
  const isWrong = alone.some(({ severity }) => severity === 'error');
  const issues = isWrong ? alone : alone.concat(checkValidation(training.train, given.train));
  return {
    train: training.train,
    validation: given.train,
    testImages: training.testImages,
    issues,
    sources: new Map([...training.sources, ...given.sources]),
  };
}

/** How many labels an image has in a classification task. */
export function labelKindOf(task: Task): LabelKind {
  return task === 'image_classification_multilabel' ? 'multilabel' : 'multiclass';
}

export interface DataSource {
  /** Absolute. */
  path: string;
  targetColumn: string;
  labelKind: LabelKind;
  role: Role;
  /** Of data that is in parts already, this one alone. */
  part?: Part;
}

/** A folder with a file named MLTable, or a file, is a table; any other folder holds class folders. */
export async function readSource({ path, ...options }: DataSource): Promise<JobDataRead> {
  const isFolder = existsSync(path) && statSync(path).isDirectory();
  if (isFolder && !existsSync(join(path, 'MLTable'))) {
    const { train, validation, testImages, issues } = readImageFolder(path, options);
    const wrong = options.labelKind === 'multilabel' ? [oneClassEach(path)] : issues;
    return { train, validation, testImages, issues: wrong, sources: new Map() };
  }
  const { dataset, validation, testImages, issues, sources } = await readTable(path, options);
  return { train: dataset, validation, testImages, issues, sources };
}

const oneClassEach = (file: string): Issue => ({
  code: 'one-class-each',
  severity: 'error',
  file,
  message: 'a folder without an MLTable gives each image one class, that of its folder: task image_classification',
  hint: 'image_classification_multilabel takes a folder with an MLTable, or a JSONL or CSV file with the labels of each image',
});
