import { Document, isScalar, visit } from 'yaml';
import { type ImageJob, jobMode } from './job.ts';
import { trialHyperparameters } from './resolve-hyperparameters.ts';

/**
 * The job with the hyperparameters that its single trial will have, those with defaults included. A sweep and AutoMode
 * know them only when a trial's model is known: such a job comes back as it is.
 */
export function withTrialHyperparameters(job: ImageJob): ImageJob {
  if (jobMode(job) !== 'individual') return job;
  const given = Object.entries(trialHyperparameters(job)).filter(([, value]) => value !== null);
  return { ...job, training_parameters: Object.fromEntries(given) };
}

/** The job as plain values in the words of a job file: what JSON or YAML of it holds. */
export function plainJob(job: ImageJob): Record<string, unknown> {
  const { advanced_settings: settings, ...parameters } = job.training_parameters;
  const text = settings === undefined ? {} : { advanced_settings: JSON.stringify(settings) };
  return { ...job, training_parameters: { ...parameters, ...text } };
}

/** The job as a job file. Read back it is the same job. */
export function toYaml(job: ImageJob): string {
  const document = new Document(plainJob(job), { aliasDuplicateObjects: false });
  visit(document, {
    Pair(_, { key }) {
      // Plain, it would be a merge key.
      if (isScalar(key) && key.value === '<<') key.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString({ lineWidth: 0 });
}
