export type { Report, RunEvent } from './job/events.ts';
export {
  type EpochRecord,
  type JobRecord,
  type JobStatus,
  jobFolder,
  listJobs,
  readJob,
  type TrialRecord,
} from './job/job-record.ts';
export { resumeJob, type RunOptions, runJob } from './job/run-job.ts';
export { trialLogPath } from './job/trial-log.ts';
