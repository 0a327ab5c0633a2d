import type { EpochRecord } from '@fovea/automl';
import type { Status } from './store/index.ts';

/** Where a job or a trial stands, as Azure names it. */
export type JobStatus = Status;

/** The statuses that a job or trial does not leave by itself. */
export const endedStatuses = ['Completed', 'Failed', 'Canceled'] as const satisfies readonly JobStatus[];

/** Whether nothing more happens by itself. */
export const hasEnded = (status: JobStatus): boolean => (endedStatuses as readonly JobStatus[]).includes(status);

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
  draw: Record<string, string | number | boolean>;
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
  /** Processes that were started for it: more than 1 when one died. */
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
  type: 'automl';
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
}

/** What is known of a job, as `fovea job show` prints it. */
export interface JobRecord extends JobSummary {
  /** Seconds that the job has been worked on, of `limits.timeout_minutes`. */
  seconds_used: number;
  trials: TrialRecord[];
}

/** One value of a metric. */
export interface MetricPoint {
  name: string;
  /** The epoch that it was measured after, from 1. */
  step: number;
  value: number;
  time: string;
}
