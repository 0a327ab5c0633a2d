import { join } from 'node:path';
import {
  checkValidation,
  type Dataset,
  type ImageRecord,
  type Issue,
  IssuesError,
  imagesOfClass,
  shortPath,
  stratifiedSplit,
  verifyImages,
} from '@fovea/data';
import type { ImageJob } from '../spec/job.ts';
import type { Report } from './events.ts';
import { differences, type KeptSplit, keepSplit, readKeptSplit, type Sets } from './kept-split.ts';
import { labelKindOf, readJobData } from './read-data.ts';

/** The images of a job, every one of them opened once and found whole. */
export interface JobData extends Sets {
  classes: readonly string[];
}

export interface PrepareOptions {
  /** Where relative paths begin: the job file's folder. */
  baseFolder: string;
  /** The job's own folder; `data/` in it keeps what the job trains and validates with. */
  folder: string;
  /** The job was begun before: it goes on with the very images that it began with. */
  resumes: boolean;
  cacheFolder: string;
  seed: number;
  report: Report;
  signal: AbortSignal;
}

/**
 * Reads the data of a job and opens every image once. Without validation data a part of the training data is split off, the same for
 * the same seed. Both sets are written into the job's folder, as tables that other jobs can name; a job that goes on reads them
 * back, whatever has become of the data since.
 *
 * @throws IssuesError with every problem of every file, before anything is trained
 */
export async function prepareData(job: ImageJob, options: PrepareOptions): Promise<JobData> {
  const { report, resumes } = options;
  const folder = join(options.folder, 'data');
  report({ type: 'phase', name: 'data', message: 'reading the data' });
  const kept = resumes ? await readKeptSplit(folder, labelKindOf(job.task)) : null;
  const sets = kept ? await sameAgain(kept, job, options) : await first(job, folder, options);
  return { classes: sets.train.classes, ...sets };
}

async function first(job: ImageJob, folder: string, options: PrepareOptions): Promise<Sets> {
  const { report, seed } = options;
  const {
    train: training,
    validation: given,
    testImages,
    sources,
    ...read
  } = await readJobData(job, options.baseFolder);
  const issues = read.issues.concat(await openAll([...training.records, ...(given?.records ?? [])], options));
  settle(issues, sources, report);
  const sets = given
    ? { train: training, validation: given }
    : split(training, job.validation_data_size as number, seed);
  if (!given) settle(checkValidation(sets.train, sets.validation), sources, report);
  report({ type: 'log', level: 'info', message: describe(training, sets.validation, given !== undefined, testImages) });
  keepSplit(folder, sets, labelKindOf(job.task));
  if (!given) {
    const message = `this split is kept: ${shortPath(join(folder, 'train'))} and ${shortPath(join(folder, 'validation'))} can be training_data and validation_data of other jobs`;
    report({ type: 'log', level: 'info', message });
  }
  return sets;
}

async function sameAgain(kept: KeptSplit, job: ImageJob, options: PrepareOptions): Promise<Sets> {
  const { report } = options;
  const { train, validation, issues, sources } = kept;
  settle(issues.concat(await openAll([...train.records, ...validation.records], options)), sources, report);
  const now = await readJobData(job, options.baseFolder);
  const isWrong = now.issues.some(({ severity }) => severity === 'error');
  const changes = isWrong ? 'it cannot be read any more' : differences(kept, now);
  if (changes !== null) {
    const message = `${job.training_data.path} has changed since the job began (${changes}); the job goes on with the images that it began with`;
    report({ type: 'log', level: 'warning', message });
  }
  return { train, validation };
}

const openAll = (records: readonly ImageRecord[], { cacheFolder, signal, report }: PrepareOptions): Promise<Issue[]> =>
  verifyImages(records, {
    cacheFolder,
    signal,
    onProgress: (done, total) => report({ type: 'phase', name: 'data', message: 'opening every image', done, total }),
  });

/** Says the warnings. @throws IssuesError when there are errors */
function settle(issues: readonly Issue[], sources: KeptSplit['sources'], report: Report): void {
  for (const issue of issues)
    if (issue.severity === 'warning') report({ type: 'log', level: 'warning', message: formatOne(issue) });
  if (issues.some(({ severity }) => severity === 'error')) throw new IssuesError(issues, { sources });
}

function split(training: Dataset, part: number, seed: number): Sets {
  const [train, validation] = stratifiedSplit(training.records, part, seed);
  return { train: { ...training, records: train }, validation: { ...training, records: validation } };
}

/** `pictures  397 images · 2 classes (ants 190, bees 207) · 79 of them validate` */
function describe(
  { name, classes, records }: Dataset,
  validation: Dataset,
  isGiven: boolean,
  testImages: number,
): string {
  const images = imagesOfClass(records);
  const shown = classes.slice(0, 8).map((label) => `${label} ${images.get(label) ?? 0}`);
  const more = classes.length > 8 ? `, and ${classes.length - 8} more` : '';
  const count = (value: number) => value.toLocaleString('en');
  const unlabelled = records.filter(({ labels }) => labels.length === 0).length;
  return [
    `${name}  ${count(records.length)} images`,
    `${count(classes.length)} classes (${shown.join(', ')}${more})`,
    ...(unlabelled > 0 ? [`${count(unlabelled)} without any`] : []),
    `${count(validation.records.length)} ${isGiven ? 'others' : 'of them'} validate`,
    ...(testImages > 0 ? [`${count(testImages)} for testing are left out`] : []),
  ].join(' · ');
}

const formatOne = ({ file, line, message }: Issue) => `${file}${line ? `:${line}` : ''}: ${message}`;
