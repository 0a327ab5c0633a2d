// Names, folders and records of jobs and trials, for those who have no use for the engine.
export { bestTrial } from './job/best-trial.ts';
export type { Report, RunEvent } from './job/events.ts';
export { displayNameOf, generateJobName } from './job/job-name.ts';
export { type EpochRecord, jobFolder, type RunStatus, runStatuses, type TrialRecord } from './job/job-record.ts';
export { systemLogPath } from './job/system-log.ts';
export { trialLogPath } from './job/trial-log.ts';
export { replaceFile, writeFileWhole } from './job/write-file-whole.ts';
export { isBetterEpoch } from './trainer/best-epoch.ts';
export { modelFolderOf, reportOf } from './trainer/trial-paths.ts';
