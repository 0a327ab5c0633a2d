import { join } from 'node:path';
import {
  type ImageRecord,
  type Issue,
  IssuesError,
  imagesOfClass,
  type ObjectRecord,
  type Sources,
  shortPath,
  verifyImages,
} from '@fovea/data';
import type { ImageJob } from '../spec/job.ts';
import { isClassification } from '../spec/tasks.ts';
import { type DataKind, imagesWithLabels, imagesWithObjects, type JobImage, type SetOf } from './data-kind.ts';
import type { Report } from './events.ts';
import { differences, type KeptSplit, keepSplit, readKeptSplit, type Sets } from './kept-split.ts';
import { readSets } from './read-data.ts';

interface DataOf<Kind extends string, R> extends Sets<R> {
  kind: Kind;
  classes: readonly string[];
}

/** Images with labels. */
export type ClassificationData = DataOf<'labels', ImageRecord>;

/** Images with boxes, or outlines. */
export type DetectionData = DataOf<'objects', ObjectRecord>;

/** The images of a job, every one of them opened once and found whole. */
export type JobData = ClassificationData | DetectionData;

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
  return isClassification(job.task)
    ? { kind: 'labels', ...(await prepareSets(imagesWithLabels(job.task), job, options)) }
    : { kind: 'objects', ...(await prepareSets(imagesWithObjects(job.task), job, options)) };
}

async function prepareSets<R extends JobImage>(
  kind: DataKind<R>,
  job: ImageJob,
  options: PrepareOptions,
): Promise<Sets<R> & { classes: readonly string[] }> {
  const { report, resumes } = options;
  const folder = join(options.folder, 'data');
  report({ type: 'phase', name: 'data', message: 'reading the data' });
  const kept = resumes ? await readKeptSplit(folder, kind) : null;
  const sets = kept ? await sameAgain(kind, kept, job, options) : await first(kind, job, folder, options);
  return { classes: sets.train.classes, ...sets };
}

async function first<R extends JobImage>(
  kind: DataKind<R>,
  job: ImageJob,
  folder: string,
  options: PrepareOptions,
): Promise<Sets<R>> {
  const { report, seed } = options;
  const { baseFolder } = options;
  const { train: training, validation: given, testImages, sources, ...read } = await readSets(kind, job, baseFolder);
  const issues = read.issues.concat(await openAll([...training.records, ...(given?.records ?? [])], options));
  settle(issues, sources, report);
  const sets = given
    ? { train: training, validation: given }
    : split(kind, training, job.validation_data_size as number, seed);
  if (!given) settle(kind.compare(sets.train, sets.validation), sources, report);
  report({
    type: 'log',
    level: 'info',
    message: describe(kind, training, sets.validation, given !== undefined, testImages),
  });
  await keepSplit(folder, sets, kind);
  if (!given) {
    const message = `this split is kept: ${shortPath(join(folder, 'train'))} and ${shortPath(join(folder, 'validation'))} can be training_data and validation_data of other jobs`;
    report({ type: 'log', level: 'info', message });
  }
  return sets;
}

async function sameAgain<R extends JobImage>(
  kind: DataKind<R>,
  kept: KeptSplit<R>,
  job: ImageJob,
  options: PrepareOptions,
): Promise<Sets<R>> {
  const { report } = options;
  const { train, validation, issues, sources } = kept;
  settle(issues.concat(await openAll([...train.records, ...validation.records], options)), sources, report);
  const now = await readSets(kind, job, options.baseFolder);
  const isWrong = now.issues.some(({ severity }) => severity === 'error');
  const changes = isWrong ? 'it cannot be read any more' : differences(kept, now, kind);
  if (changes !== null) {
    const message = `${job.training_data.path} has changed since the job began (${changes}); the job goes on with the images that it began with`;
    report({ type: 'log', level: 'warning', message });
  }
  return { train, validation };
}

const openAll = (records: readonly JobImage[], { cacheFolder, signal, report }: PrepareOptions): Promise<Issue[]> =>
  verifyImages(records, {
    cacheFolder,
    signal,
    onProgress: (done, total) => report({ type: 'phase', name: 'data', message: 'opening every image', done, total }),
  });

/** Warnings of one kind that are said one by one; of more the first is, with their number. */
const SAID_ONE_BY_ONE = 3;

/** Says the warnings. @throws IssuesError when there are errors */
function settle(issues: readonly Issue[], sources: Sources, report: Report): void {
  const warnings = Map.groupBy(
    issues.filter(({ severity }) => severity === 'warning'),
    ({ code }) => code,
  );
  for (const alike of warnings.values()) {
    const messages =
      alike.length > SAID_ONE_BY_ONE
        ? [
            `${formatOne(alike[0])} (and ${(alike.length - 1).toLocaleString('en')} more of this kind: fovea data check)`,
          ]
        : alike.map(formatOne);
    for (const message of messages) report({ type: 'log', level: 'warning', message });
  }
  if (issues.some(({ severity }) => severity === 'error')) throw new IssuesError(issues, { sources });
}

function split<R extends JobImage>(kind: DataKind<R>, training: SetOf<R>, part: number, seed: number): Sets<R> {
  const [train, validation] = kind.split(training.records, part, seed);
  return { train: { ...training, records: train }, validation: { ...training, records: validation } };
}

/** `pictures  397 images · 2 classes (ants 190, bees 207) · 79 of them validate` */
function describe<R extends JobImage>(
  kind: DataKind<R>,
  { name, classes, records }: SetOf<R>,
  validation: SetOf<R>,
  isGiven: boolean,
  testImages: number,
): string {
  const labels = records.map((record) => kind.labelsOf(record));
  const images = imagesOfClass(labels.map((ofImage) => ({ labels: ofImage })));
  const shown = classes.slice(0, 8).map((label) => `${label} ${images.get(label) ?? 0}`);
  const more = classes.length > 8 ? `, and ${classes.length - 8} more` : '';
  const count = (value: number) => value.toLocaleString('en');
  const unlabelled = labels.filter((ofImage) => ofImage.length === 0).length;
  return [
    `${name}  ${count(records.length)} images`,
    `${count(classes.length)} ${classes.length === 1 ? 'class' : 'classes'} (${shown.join(', ')}${more})`,
    ...(unlabelled > 0 ? [`${count(unlabelled)} without any`] : []),
    `${count(validation.records.length)} ${isGiven ? 'others' : 'of them'} validate`,
    ...(testImages > 0 ? [`${count(testImages)} for testing are left out`] : []),
  ].join(' · ');
}

const formatOne = ({ file, line, message }: Issue) => `${file}${line ? `:${line}` : ''}: ${message}`;
