import { join } from 'node:path';
import { IssuesError } from '@fovea/data';
import type { ModelTask } from '../model-folder/layout.ts';
import type { ImageJob } from '../spec/job.ts';
import { isClassification } from '../spec/tasks.ts';
import { type EarlierCheckpoint, earlierCheckpoint, type FindRun } from '../trainer/earlier-checkpoint.ts';
import { type DataKind, imagesWithLabels, imagesWithObjects, type JobImage } from './data-kind.ts';
import type { Report } from './events.ts';
import { readKeptSplit } from './kept-split.ts';
import { type JobData, prepareData } from './prepare-data.ts';

/** What a job needs besides its file. */
export interface JobSetting {
  /** Where the job's relative paths begin: the folder of the job file. */
  baseFolder: string;
  /** A checkpoint's path, `none` for random weights, or nothing for published weights where they can be had. */
  weights?: string | undefined;
  /** Choose what the job leaves open by the amount of data, as AutoMode does, instead of the documented defaults. */
  fitToData: boolean;
  /** Of other training, which the job's trials go on with. */
  earlier: EarlierCheckpoint | null;
}

export interface PrepareJobOptions {
  /** The job's own folder; `data/` in it keeps what the job trains and validates with. */
  folder: string;
  cacheFolder: string;
  /** Of the workspace's jobs and trials the one of a name. */
  findRun: FindRun;
  /** The job was begun before: it goes on with the very images that it began with. */
  resumes: boolean;
  report: Report;
  signal: AbortSignal;
}

/**
 * All that is done once for a job, before its first trial: its data is read, every image opened, the validation part split off, and
 * both sets written into the job's folder. Trials need nothing else of the data's own files.
 *
 * @returns what its trials need to know
 * @throws IssuesError with all that is wrong with the data, or with the checkpoint to start from; nothing may be started then
 */
export async function prepareJob(
  job: ImageJob,
  { baseFolder, weights, fitToData }: Omit<JobSetting, 'earlier'>,
  { folder, cacheFolder, findRun, resumes, report, signal }: PrepareJobOptions,
): Promise<JobSetting> {
  const task = job.task as ModelTask;
  const earlier = await earlierCheckpoint(job.training_parameters, { findRun, baseFolder, task });
  if (earlier && weights !== undefined)
    throw new Error(`The job starts from ${earlier.from}, and other weights are named, too; leave one of them out`);
  const seed = job.training_parameters.random_seed ?? 42;
  await prepareData(job, { baseFolder, folder, resumes, cacheFolder, seed, report, signal });
  return { baseFolder, weights, fitToData, earlier };
}

/**
 * The images of a prepared job, as its trials use them.
 * @throws Error when the job has not been prepared; IssuesError when an image is not there any more
 */
export async function readPreparedData(job: Pick<ImageJob, 'task'>, folder: string): Promise<JobData> {
  const data = join(folder, 'data');
  return isClassification(job.task)
    ? { kind: 'labels', ...(await keptSets(data, imagesWithLabels(job.task))) }
    : { kind: 'objects', ...(await keptSets(data, imagesWithObjects(job.task))) };
}

async function keptSets<R extends JobImage>(folder: string, kind: DataKind<R>) {
  const kept = await readKeptSplit(folder, kind);
  if (kept === null) throw new Error(`the data of the job is not in ${folder}`);
  const { train, validation, issues, sources } = kept;
  if (issues.some(({ severity }) => severity === 'error')) throw new IssuesError(issues, { sources });
  return { train, validation, classes: train.classes };
}
