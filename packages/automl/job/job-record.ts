import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type JobStatus = 'NotStarted' | 'Running' | 'Completed' | 'Failed' | 'Canceled';

/** One evaluation on the validation data. Epochs count from 1. */
export interface EpochRecord {
  epoch: number;
  metrics: Record<string, number>;
}

/** A trial: one model trained with one choice of hyperparameters. Keys as people and `az ml` write them. */
export interface TrialRecord {
  name: string;
  status: JobStatus;
  model_name: string;
  hyperparameters: Record<string, unknown>;
  best_epoch: number | null;
  /** Of the best epoch. */
  metrics: Record<string, number>;
  epochs: EpochRecord[];
  /** Where the weights came from, and what was measured to choose the arithmetic. */
  properties: Record<string, string>;
  error?: string;
}

/** What is known of a job, as `fovea job show` prints it and `job.json` keeps it. */
export interface JobRecord {
  name: string;
  type: 'automl';
  task: string;
  display_name: string;
  experiment_name: string;
  description?: string;
  status: JobStatus;
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
  trials: TrialRecord[];
  tags: Record<string, string>;
  properties: Record<string, string>;
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

/** Writes a file so that a reader, or a restart after a crash, sees the old content or the new, never half of it. */
export function writeFileWhole(path: string, content: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, content, { flush: true });
  renameSync(temporary, path);
}

export function writeJob(workspace: string, record: JobRecord): void {
  const folder = jobFolder(workspace, record.name);
  mkdirSync(folder, { recursive: true });
  writeFileWhole(join(folder, 'job.json'), `${JSON.stringify(record, null, 2)}\n`);
}

/** @returns null when the workspace has no such job */
export function readJob(workspace: string, name: string): JobRecord | null {
  try {
    return JSON.parse(readFileSync(join(jobFolder(workspace, name), 'job.json'), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** All jobs of the workspace, newest first. */
export function listJobs(workspace: string): JobRecord[] {
  let names: string[];
  try {
    names = readdirSync(join(workspace, 'jobs'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return names
    .flatMap((name) => (JOB_NAME.test(name) ? (readJob(workspace, name) ?? []) : []))
    .sort((a, b) => b.creation_context.created_at.localeCompare(a.creation_context.created_at));
}
