import type { JobSummary } from '@fovea/platform';
import type { BatchCounts } from '@fovea/platform/endpoints';
import { count, duration } from './quantities.ts';
import { rounded } from './trial-words.ts';

/** How a status reads in a sentence. */
export const wordOf: Partial<Record<JobSummary['status'], string>> = {
  ...{ NotStarted: 'queued', Queued: 'queued', Preparing: 'being prepared', Running: 'running' },
  ...{ CancelRequested: 'ending', Completed: 'completed', Failed: 'failed', Canceled: 'canceled' },
};

/** Jobs as rows of a table: what one looks for in a list. */
export function jobRows(jobs: readonly JobSummary[]): Record<string, unknown>[] {
  return jobs.map((job) => ({
    name: job.name,
    status: job.status,
    task: job.task.replace(/^image_/, ''),
    metric: job.batch ? 'files scored' : job.primary_metric,
    value: job.batch ? batchWords(job.batch) : rounded(job.metrics[job.primary_metric]),
    created: createdOf(job),
    took: tookOf(job),
    experiment: job.experiment_name,
    ...(job.archived && { archived: 'yes' }),
  }));
}

/** `85 of 90, 2 failed`. */
export function batchWords({ files, done, failed }: BatchCounts): string {
  if (files === null) return '';
  return `${count(done - failed)} of ${count(files)}${failed > 0 ? `, ${count(failed)} failed` : ''}`;
}

export const createdOf = (job: JobSummary): string => localTime(job.creation_context.created_at);

export const tookOf = (job: JobSummary): string | null =>
  job.start_time === null ? null : duration(secondsBetween(job.start_time, job.end_time));

const secondsBetween = (start: string, end: string | null): number =>
  ((end === null ? Date.now() : Date.parse(end)) - Date.parse(start)) / 1000;

/** `2026-11-21 13:05`, where the person is. */
function localTime(iso: string): string {
  const time = new Date(iso);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}`;
}
