import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { ImageJob, ReadJobData } from '@fovea/automl';
import type { UploadedKey } from '../wire/protocol.ts';
import type { SubmitOptions } from '../workspace.ts';
import { portableTables } from './portable-tables.ts';
import { type ToSend, toSend } from './sent-files.ts';

const dataKeys = ['training_data', 'validation_data'] as const;

/** Whether a path of a job names something that the server has. */
const isNamed = (path: string): boolean => /^azureml:/i.test(path);

/** What a job names of this machine, and how it was named. */
export type JobFiles = Partial<Record<UploadedKey, ToSend & { readonly given: string }>>;

/**
 * Finds the files that a job names on this machine: its data with all of its images, a checkpoint, weights. The data is read, so that what
 * is wrong with it is said before anything is sent; images are opened by the server.
 *
 * @throws IssuesError for data that is not right, Refusal for files that are not there
 */
export async function filesOfJob(
  job: ImageJob,
  { baseFolder, weights }: Pick<SubmitOptions, 'baseFolder' | 'weights'>,
): Promise<JobFiles> {
  const files: JobFiles = {};
  const local = dataKeys.filter((key) => job[key] !== undefined && !isNamed(job[key].path));
  const imagesOf = local.length > 0 ? await readImages(job, local, baseFolder) : () => [];
  for (const key of local) {
    const given = job[key]?.path ?? '';
    const images = imagesOf(key);
    const tables = await portableTables(images);
    const others = images.flatMap(({ file, source }) => [file, source.file]);
    files[key] = { ...(await dataToSend(resolve(baseFolder, given), others, tables)), given };
  }
  const { checkpoint_dataset_id: folder, checkpoint_filename: file } = job.training_parameters;
  if (folder !== undefined && file !== undefined && !isNamed(folder)) {
    const given = `${folder}/${file}`;
    files.checkpoint = { ...(await toSend(resolve(baseFolder, folder, file))), given };
  }
  if (weights !== undefined && weights !== 'none')
    files.weights = { ...(await toSend(weights)), given: basename(weights) };
  return files;
}

/** What is read of data beside the images is their annotations; a file of YOLO's names folders around it. */
async function dataToSend(
  path: string,
  others: readonly string[],
  tables: ReadonlyMap<string, Buffer>,
): Promise<ToSend> {
  const isFile = (await stat(path).catch(() => null))?.isFile() === true;
  const existing: string[] = [];
  for (const other of new Set(others)) if ((await stat(other).catch(() => null))?.isFile()) existing.push(other);
  if (!isFile || !/\.ya?ml$/i.test(path)) return toSend(path, existing, tables);
  const around = await toSend(dirname(path), existing, tables);
  return { ...around, path: `${around.path}/${basename(path)}` };
}

type Images = readonly { readonly file: string; readonly source: { readonly file: string; readonly line?: number } }[];

async function readImages(
  job: ImageJob,
  local: readonly (typeof dataKeys)[number][],
  baseFolder: string,
): Promise<(key: (typeof dataKeys)[number]) => Images> {
  const [{ readJobData }, { IssuesError }] = await Promise.all([import('@fovea/automl'), import('@fovea/data')]);
  const of = (data: ReadJobData, key: (typeof dataKeys)[number]): Images => {
    const validation: Images = data.validation?.records ?? [];
    if (key === 'validation_data') return validation;
    const train: Images = data.train.records;
    return job.validation_data === undefined ? [...train, ...validation] : train;
  };
  const { validation_data: validation, ...alone } = job;
  if (local.length === 1 && validation !== undefined) {
    // The server has the other set, and looks at both.
    const read = await readJobData({ ...alone, training_data: job[local[0]] ?? job.training_data }, baseFolder);
    return () => [...read.train.records, ...(read.validation?.records ?? [])];
  }
  const data = await readJobData(job, baseFolder);
  if (data.issues.some(({ severity }) => severity === 'error'))
    throw new IssuesError(data.issues, { sources: data.sources });
  return (key) => of(data, key);
}
