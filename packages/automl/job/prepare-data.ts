import { type Dataset, type Issue, IssuesError, stratifiedSplit, verifyImages } from '@fovea/data';
import type { ImageJob } from '../spec/job.ts';
import type { Report } from './events.ts';
import { readJobData } from './read-data.ts';

/** The images of a job, every one of them opened once and found whole. */
export interface JobData {
  classes: readonly string[];
  train: Dataset;
  validation: Dataset;
}

/**
 * Reads the data of a job and opens every image once. Without validation data a part of the training data is split off, the same for
 * the same seed.
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
  const { train: training, validation: given, sources, ...read } = await readJobData(job, baseFolder);
  const records = [...training.records, ...(given?.records ?? [])];
  const unreadable = await verifyImages(records, {
    cacheFolder,
    signal,
    onProgress: (done, total) => report({ type: 'phase', name: 'data', message: 'opening every image', done, total }),
  });
  const issues = read.issues.concat(unreadable);
  for (const issue of issues)
    if (issue.severity === 'warning') report({ type: 'log', level: 'warning', message: formatOne(issue) });
  if (issues.some(({ severity }) => severity === 'error')) throw new IssuesError(issues, { sources });

  const data = given
    ? { train: training, validation: given }
    : split(training, job.validation_data_size as number, seed);
  report({ type: 'log', level: 'info', message: describe(training, data.validation, given !== undefined) });
  return { classes: training.classes, ...data };
}

function split(training: Dataset, part: number, seed: number): { train: Dataset; validation: Dataset } {
  const [train, validation] = stratifiedSplit(training.records, part, seed);
  return { train: { ...training, records: train }, validation: { ...training, records: validation } };
}

/** `pictures  397 images · 2 classes (ants 190, bees 207) · 79 of them validate` */
function describe({ name, classes, records }: Dataset, validation: Dataset, isGiven: boolean): string {
  const shown = classes
    .slice(0, 8)
    .map((label) => `${label} ${records.filter(({ labels }) => labels.includes(label)).length}`);
  const more = classes.length > 8 ? `, and ${classes.length - 8} more` : '';
  const count = (images: number) => images.toLocaleString('en');
  return [
    `${name}  ${count(records.length)} images`,
    `${count(classes.length)} classes (${shown.join(', ')}${more})`,
    `${count(validation.records.length)} ${isGiven ? 'others' : 'of them'} validate`,
  ].join(' · ');
}

const formatOne = ({ file, line, message }: Issue) => `${file}${line ? `:${line}` : ''}: ${message}`;
