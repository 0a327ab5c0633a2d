import type { ImageJob, JobSetting } from '@fovea/automl';
import type { JobRow } from './store/index.ts';

/** What a job's row keeps beside the job itself. */
export interface StoredSetting extends JobSetting {
  /** Of the workspace folder that has the job's files: `Place.id`. */
  workspace: string;
  /** The models that it can train, small ones first. */
  models: string[];
  /** Variables of the process that submitted it, which mean something to its trials. */
  environment: Record<string, string>;
}

export const specOf = ({ spec }: Pick<JobRow, 'spec'>) => spec as ImageJob & { name: string };

export const settingOf = ({ setting }: Pick<JobRow, 'setting'>) => setting as StoredSetting;

/** The part of a job's time in which nothing is trained any more: what was reached is exported then, at most so many seconds. */
const EXPORTING = { part: 0.05, seconds: 30 };

/** Seconds until the training of a job's trials has to end, so that the job ends inside of its time. */
export function secondsLeftOf(job: Pick<JobRow, 'spec' | 'seconds_used'>): number {
  const whole = specOf(job).limits.timeout_minutes * 60;
  return whole - Math.min(EXPORTING.seconds, EXPORTING.part * whole) - job.seconds_used;
}
