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

/** Seconds until the job's time is up. */
export const secondsLeftOf = (job: Pick<JobRow, 'spec' | 'seconds_used'>): number =>
  specOf(job).limits.timeout_minutes * 60 - job.seconds_used;
