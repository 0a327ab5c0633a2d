import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  checkValidation,
  type Dataset,
  type Issue,
  type Role,
  readImageFolder,
  readTable,
  type Sources,
} from '@fovea/data';
import type { ImageJob } from '../spec/job.ts';

/** The images that the data paths of a job name. None of them has been opened yet. */
export interface JobDataRead {
  train: Dataset;
  /** Given by the job, or by a `val/` beside `train/`. */
  validation: Dataset | undefined;
  issues: Issue[];
  /** Of the files that the issues point into. */
  sources: Sources;
}

/**
 * Reads what `training_data` and `validation_data` name: an MLTable folder, a JSONL file, or a folder of class folders. Nothing is
 * thrown for what is wrong there: every problem is an issue.
 *
 * @param baseFolder where relative paths begin: the job file's folder
 */
export async function readJobData(
  job: Pick<ImageJob, 'training_data' | 'validation_data' | 'target_column_name'>,
  baseFolder: string,
): Promise<JobDataRead> {
  const read = (path: string, role: Role) => readSource(resolve(baseFolder, path), job.target_column_name, role);
  const training = await read(job.training_data.path, 'training');
  if (job.validation_data === undefined) return training;
  const given = await read(job.validation_data.path, 'validation');
  const alone = [...training.issues, ...given.issues];
  // Between sets of which one is wrong already, a comparison only makes noise.
  const isWrong = alone.some(({ severity }) => severity === 'error');
  const issues = isWrong ? alone : alone.concat(checkValidation(training.train, given.train));
  return {
    train: training.train,
    validation: given.train,
    issues,
    sources: new Map([...training.sources, ...given.sources]),
  };
}

/** A folder with a file named MLTable, or a file, is a table; any other folder holds class folders. */
async function readSource(path: string, targetColumn: string, role: Role): Promise<JobDataRead> {
  const isFolder = existsSync(path) && statSync(path).isDirectory();
  if (isFolder && !existsSync(join(path, 'MLTable'))) {
    const { train, validation, issues } = readImageFolder(path, { role });
    return { train, validation, issues, sources: new Map() };
  }
  const { dataset, issues, sources } = await readTable(path, { targetColumn, role });
  return { train: dataset, validation: undefined, issues, sources };
}
