import { join } from 'node:path';

/** Where jobs and trials stand, as Azure names it. */
export const runStatuses = [
  'NotStarted',
  'Preparing',
  'Queued',
  'Running',
  'Finalizing',
  'CancelRequested',
  'Completed',
  'Failed',
  'Canceled',
  'NotResponding',
] as const;

export type RunStatus = (typeof runStatuses)[number];

/** One evaluation on the validation data. Epochs count from 1. */
export interface EpochRecord {
  epoch: number;
  metrics: Record<string, number>;
}

/** A trial: one model trained with one choice of hyperparameters. Keys as people and `az ml` write them. */
export interface TrialRecord {
  name: string;
  /** From 0, in the order in which a job's trials were chosen. */
  number: number;
  status: RunStatus;
  /** Why these hyperparameters were tried. */
  chosen_because: string | null;
  /** Why it was ended before its last epoch, by a policy or by the job's time. */
  ended_because: string | null;
  model_name: string;
  hyperparameters: Record<string, unknown>;
  best_epoch: number | null;
  /** Of the best epoch. */
  metrics: Record<string, number>;
  epochs: EpochRecord[];
  /** Where the weights came from, and what was measured to choose the arithmetic. */
  properties: Record<string, string>;
  start_time: string | null;
  end_time: string | null;
  error?: string;
}

const JOB_NAME = /^[a-zA-Z0-9][a-zA-Z0-9\-_]{0,254}$/;

/** A job's folder in the workspace. @throws Error for a name that could not be a job's (and might be a path) */
export function jobFolder(workspace: string, name: string): string {
  if (!JOB_NAME.test(name)) {
    throw new Error(
      `"${name}" cannot be a job's name: letters, digits, - and _ only, at most 255, beginning with a letter or digit`,
    );
  }
  return join(workspace, 'jobs', name);
}
