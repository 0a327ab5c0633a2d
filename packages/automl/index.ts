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
export { type JobDataRead, type ReadJobData, readJobData } from './job/read-data.ts';
export { isJobAlive, type RunOptions, resumeJob, runJob } from './job/run-job.ts';
export { trialLogPath } from './job/trial-log.ts';
export * from './model-folder/index.ts';
export { type AnyDetector, type DetectorExportOptions, exportDetector } from './onnx/detection/export.ts';
export { type DetectorVerification, verifyDetector } from './onnx/detection/verify.ts';
export { type ExportOptions, exportOnnx } from './onnx/export.ts';
export { type ShownData, type ShownSample, type ShownSamplesOptions, shownSamples } from './samples/shown-samples.ts';
export { type HyperparameterName, hyperparameters } from './spec/hyperparameters.ts';
export { type ImageJob, type JobMode, jobKeys, jobMode, jobSchema } from './spec/job.ts';
export type { JobSource } from './spec/job-source.ts';
export { plainJob, toYaml, withTrialHyperparameters } from './spec/normalised-job.ts';
export { type ParsedJob, type ParseOptions, parseJob } from './spec/parse.ts';
export { type Hyperparameters, resolveHyperparameters, trialHyperparameters } from './spec/resolve-hyperparameters.ts';
export { defaultModels, modelNames, primaryMetrics, type Task, tasks } from './spec/tasks.ts';
export { unsupportedReasons } from './spec/unsupported.ts';
export { forwardIn, measuredOn, measurePrecision, type Precision } from './trainer/precision.ts';
