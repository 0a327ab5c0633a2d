import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  type Dataset,
  type Issue,
  IssuesError,
  readImageFolder,
  readTable,
  stratifiedSplit,
  verifyImages,
} from '@fovea/data';
import type { ImageJob } from '../spec/job.ts';
import type { Report } from './events.ts';

/** The images of a job, every one of them opened once and found whole. */
export interface JobData {
  classes: readonly string[];
  train: Dataset;
  validation: Dataset;
}

/**
 * Reads what `training_data` and `validation_data` name: an MLTable folder, a JSONL file, or a folder of class folders. Without
 * validation data a part of the training data is split off, the same for the same seed.
 *
 * @param baseFolder where relative paths begin: the job file's folder
 * @throws IssuesError with every problem of every file, before anything is trained
 */
export async function prepareData(
  job: ImageJob,
  {
    baseFolder,
    cacheFolder,
    seed,
    report,
    signal,
  }: { baseFolder: string; cacheFolder: string; seed: number; report: Report; signal: AbortSignal },
): Promise<JobData> {
  report({ type: 'phase', name: 'data', message: 'reading the data' });
  const issues: Issue[] = [];
  const read = async (path: string) => {
    const result = await readSource(resolve(baseFolder, path), job.target_column_name);
    issues.push(...result.issues);
    return result;
  };
  const training = await read(job.training_data.path);
  const given = job.validation_data ? (await read(job.validation_data.path)).train : training.validation;

  const records = [...training.train.records, ...(given?.records ?? [])];
  issues.push(
    ...(await verifyImages(records, {
      cacheFolder,
      signal,
      onProgress: (done, total) => report({ type: 'phase', name: 'data', message: 'opening every image', done, total }),
    })),
  );
  const { classes } = training.train;
  const unknown = given?.classes.filter((label) => !classes.includes(label)) ?? [];
  for (const label of unknown) {
    const source = given?.records.find((record) => record.label === label)?.source;
    issues.push({
      code: 'unknown-class',
      severity: 'error',
      file: source?.file ?? '',
      line: source?.line,
      message: `the validation data has the class "${label}", the training data has not`,
      hint: `its classes are ${classes.join(', ')}`,
    });
  }
  for (const issue of issues)
    if (issue.severity === 'warning') report({ type: 'log', level: 'warning', message: formatOne(issue) });
  if (issues.some(({ severity }) => severity === 'error')) throw new IssuesError(issues);

  if (given) return { classes, train: training.train, validation: given };
  const [train, validation] = stratifiedSplit(training.train.records, job.validation_data_size as number, seed);
  return {
    classes,
    train: { ...training.train, records: train },
    validation: { ...training.train, records: validation },
  };
}

/** A folder with a file named MLTable, or a file, is a table; any other folder holds class folders. */
async function readSource(
  path: string,
  targetColumn: string,
): Promise<{ train: Dataset; validation?: Dataset; issues: Issue[] }> {
  const isFolder = existsSync(path) && statSync(path).isDirectory();
  if (isFolder && !existsSync(join(path, 'MLTable'))) return readImageFolder(path);
  const { dataset, issues } = await readTable(path, { targetColumn });
  return { train: dataset, issues };
}

const formatOne = ({ file, line, message }: Issue) => `${file}${line ? `:${line}` : ''}: ${message}`;
