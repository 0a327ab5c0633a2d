import { type ImageJob, jobMode } from '../spec/job.ts';

/** Which models AutoMode wants timed before its first trial, cheap ones first; none in other modes. */
export function modelsToMeasure(job: ImageJob, models: readonly string[]): readonly string[] {
  if (jobMode(job) !== 'automode') return [];
  const { model_name: fixed } = job.training_parameters;
  return fixed === undefined ? models : [fixed];
}
