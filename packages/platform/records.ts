import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type EpochRecord, jobFolder, reportOf } from '@fovea/automl/runs';
import { batchJobType } from './endpoints/batch/batch-job.ts';
import { type BatchCounts, type BatchFacts, batchCounts, batchFacts } from './endpoints/batch/batch-record.ts';
import { type Place, trialFolderOf } from './place.ts';
import { ended, type JobListRow, type JobRow, type MetricPoint, type Status, type TrialRow } from './store/index.ts';

/** Where a job or a trial stands, as Azure names it. */
export type JobStatus = Status;

/** Whether nothing more happens by itself. */
export const hasEnded = (status: JobStatus): boolean => (ended as readonly JobStatus[]).includes(status);

/** A trial: one model trained with one choice of hyperparameters. Keys as people and `az ml` write them; times are ISO 8601 in UTC. */
export interface TrialSummary {
  name: string;
  /** The job that it belongs to. */
  job: string;
  /** From 0. */
  number: number;
  status: JobStatus;
  model_name: string;
  /** What was drawn for it from the search space. */
  draw: TrialRow['draw'];
  /** What it trains with, chosen and default; empty until it has begun. */
  hyperparameters: Record<string, unknown>;
  /** Why the search chose it. */
  chosen_because: string;
  /** Why it ended before its last epoch, when something else than itself ended it: a policy, a person, the job's time. */
  ended_because: string | null;
  best_epoch: number | null;
  /** Of the best epoch. */
  metrics: Record<string, number>;
  /** Where the weights came from, and what was measured to choose the arithmetic. */
  properties: Record<string, string>;
  created_at: string;
  start_time: string | null;
  end_time: string | null;
  /** Processes that were started for it since one of them finished an epoch: more than 1 when they die. */
  attempts: number;
  /** What it runs or ran on: `cpu: 2 threads`, `cuda:1`. */
  device: string | null;
  error?: string;
}

export interface TrialRecord extends TrialSummary {
  epochs: EpochRecord[];
}

/** What is known of a job but for its trials. */
export interface JobSummary {
  name: string;
  /** What it does: trains models, or scores pictures for a batch endpoint. */
  type: 'automl' | 'batch';
  task: string;
  display_name: string;
  experiment_name: string;
  description?: string;
  status: JobStatus;
  archived: boolean;
  compute: string;
  creation_context: { created_at: string };
  start_time: string | null;
  end_time: string | null;
  primary_metric: string;
  best_trial: string | null;
  best_epoch: number | null;
  /** Of the best epoch of the best trial. */
  metrics: Record<string, number>;
  /** The best trial's model folder. */
  model: string | null;
  /** The best trial's page of charts. */
  report: string | null;
  tags: Record<string, string>;
  properties: Record<string, string>;
  error?: string;
  /** Of a job that scores pictures. */
  batch?: BatchCounts;
}

/** What is known of a job, as `fovea job show` prints it. */
export interface JobRecord extends JobSummary {
  /** Seconds that the job has been worked on, of `limits.timeout_minutes`. */
  seconds_used: number;
  trials: TrialRecord[];
  batch?: BatchFacts;
}

/** Where the model of a job's best trial is: a link in the job's own folder. */
export const modelLinkOf = (place: Pick<Place, 'folder'>, job: string): string =>
  join(jobFolder(place.folder, job), 'outputs', 'mlflow-model');

/** @param points all metrics of the trial, by step */
export function recordedTrial(row: TrialRow, points: readonly MetricPoint[]): TrialRecord {
  const epochs = Map.groupBy(points, ({ step }) => step);
  return {
    ...summarisedTrial(row),
    epochs: Array.from(epochs, ([epoch, metrics]) => ({
      epoch,
      metrics: Object.fromEntries(metrics.map(({ name, value }) => [name, value])),
    })),
  };
}

export const summarisedTrial = ({ owner: _, beat: __, error, model_name, ...row }: TrialRow): TrialSummary => ({
  ...row,
  model_name: model_name ?? '',
  ...(error !== null && { error }),
});

/** @param best the row of its best trial */
export function summarisedJob(place: Place, row: JobListRow, best: TrialRow | null): JobSummary {
  const model = modelLinkOf(place, row.name);
  const report = best && reportOf(trialFolderOf(place, best.name));
  return {
    name: row.name,
    type: row.type === batchJobType ? 'batch' : 'automl',
    task: row.task ?? '',
    display_name: row.display_name,
    experiment_name: row.experiment_name,
    ...(row.description !== null && { description: row.description }),
    status: row.status,
    archived: row.archived,
    compute: row.compute ?? 'local',
    creation_context: { created_at: row.created_at },
    start_time: row.start_time,
    end_time: row.end_time,
    primary_metric: row.primary_metric ?? '',
    best_trial: row.best_trial,
    best_epoch: best?.best_epoch ?? null,
    metrics: best?.metrics ?? {},
    // A link whose model is gone does not count.
    model: best && existsSync(model) ? model : null,
    report: report && existsSync(report) ? report : null,
    tags: row.tags,
    properties: row.properties,
    ...(row.error !== null && { error: row.error }),
    ...(row.type === batchJobType && { batch: batchCounts(place, row) }),
  };
}

export const recordedJob = (
  place: Place,
  row: JobRow,
  { best, trials }: { best: TrialRow | null; trials: TrialRecord[] },
): JobRecord => {
  const { batch: _, ...summary } = summarisedJob(place, row, best);
  const batch = row.type === batchJobType ? { batch: batchFacts(place, row) } : {};
  return { ...summary, seconds_used: row.seconds_used, trials, ...batch };
};
