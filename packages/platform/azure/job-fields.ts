import { type HyperparameterName, hyperparameters, restNameOf } from '@fovea/automl';
import { durationOfMinutes, secondsOfDuration } from './duration.ts';

/** How a value is written on the other side. */
interface Codec {
  /** REST → job file. @returns undefined for what cannot be read */
  readonly read: (value: unknown) => unknown;
  /** Job file → REST. */
  readonly write: (value: unknown) => unknown;
}

/** A value that a job file and REST both have, and where: keys from the top of the job, and from `properties`. */
export interface JobField {
  readonly file: readonly string[];
  readonly rest: readonly string[];
  readonly codec: Codec;
  /** What `read` takes, for errors. */
  readonly takes?: string;
}

const asItIs: Codec = { read: (value) => value, write: (value) => value };

/** `warmup_cosine` ⇄ `WarmupCosine`. Job files take both. */
const word: Codec = { read: (value) => value, write: (value) => (typeof value === 'string' ? pascal(value) : value) };

export const pascal = (text: string): string =>
  text.replace(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

const metric: Codec = { read: (value) => value, write: (value) => (value === 'iou' ? 'IOU' : pascal(String(value))) };

const identityType: Codec = {
  read: (value) => value,
  write: (value) => (value === 'aml_token' ? 'AMLToken' : pascal(String(value))),
};

const timeout: Codec = {
  read: (value) => {
    const seconds = typeof value === 'string' ? secondsOfDuration(value) : null;
    return seconds === null ? undefined : Math.ceil(seconds / 60);
  },
  write: (value) => durationOfMinutes(value as number),
};

/** Text that holds JSON on both sides; in a checked job it is an object. */
const jsonText: Codec = {
  read: (value) => value,
  write: (value) => (typeof value === 'string' ? value : JSON.stringify(value)),
};

const field = (file: string, rest: string, codec = asItIs, takes?: string): JobField => ({
  file: file.split('.'),
  rest: rest.split('.'),
  codec,
  ...(takes !== undefined && { takes }),
});

const dataFields = (file: string, rest: string): JobField[] => [
  field(`${file}.path`, `${rest}.uri`),
  field(`${file}.type`, `${rest}.jobInputType`),
  field(`${file}.mode`, `${rest}.mode`, word),
  field(`${file}.description`, `${rest}.description`),
];

const names = Object.keys(hyperparameters) as HyperparameterName[];

/** Hyperparameters, by name in job files: name and codec in REST. */
export const restParameters: ReadonlyMap<string, { readonly rest: string; readonly codec: Codec }> = new Map([
  ['model_name', { rest: 'modelName', codec: asItIs }],
  ...names.map((name) => {
    const { kind } = hyperparameters[name];
    const codec = kind === 'enum' ? word : kind === 'advanced_settings' ? jsonText : asItIs;
    return [name as string, { rest: restNameOf(name), codec }] as const;
  }),
]);

/** All that both have but search spaces, whose values are lists of hyperparameters. */
export const jobFields: readonly JobField[] = [
  field('display_name', 'displayName'),
  field('experiment_name', 'experimentName'),
  field('description', 'description'),
  field('tags', 'tags'),
  field('properties', 'properties'),
  field('environment_id', 'environmentId'),
  field('environment_variables', 'environmentVariables'),
  field('resources.instance_count', 'resources.instanceCount'),
  field('resources.instance_type', 'resources.instanceType'),
  field('resources.shm_size', 'resources.shmSize'),
  field('resources.docker_args', 'resources.dockerArgs'),
  field('resources.properties', 'resources.properties'),
  field('identity.type', 'identity.identityType', identityType),
  field('identity.client_id', 'identity.clientId'),
  field('identity.object_id', 'identity.objectId'),
  field('identity.resource_id', 'identity.resourceId'),
  field('outputs.best_model.type', 'outputs.best_model.jobOutputType'),
  field('outputs.best_model.path', 'outputs.best_model.uri'),
  field('outputs.best_model.storage_uri', 'outputs.best_model.storageUri'),
  field('task', 'taskDetails.taskType', word),
  field('log_verbosity', 'taskDetails.logVerbosity', word),
  field('primary_metric', 'taskDetails.primaryMetric', metric),
  field('target_column_name', 'taskDetails.targetColumnName'),
  ...dataFields('training_data', 'taskDetails.trainingData'),
  ...dataFields('validation_data', 'taskDetails.validationData'),
  field('validation_data_size', 'taskDetails.validationDataSize'),
  field('limits.max_trials', 'taskDetails.limitSettings.maxTrials'),
  field('limits.max_concurrent_trials', 'taskDetails.limitSettings.maxConcurrentTrials'),
  field(
    'limits.timeout_minutes',
    'taskDetails.limitSettings.timeout',
    timeout,
    'an ISO 8601 duration, as PT60M or P7D',
  ),
  field('sweep.sampling_algorithm.type', 'taskDetails.sweepSettings.samplingAlgorithm', word),
  field('sweep.sampling_algorithm.rule', 'taskDetails.sweepSettings.rule', word),
  field('sweep.sampling_algorithm.seed', 'taskDetails.sweepSettings.seed'),
  field('sweep.early_termination.type', 'taskDetails.sweepSettings.earlyTermination.policyType', word),
  ...[
    ['evaluation_interval', 'evaluationInterval'],
    ['delay_evaluation', 'delayEvaluation'],
    ['slack_factor', 'slackFactor'],
    ['slack_amount', 'slackAmount'],
    ['truncation_percentage', 'truncationPercentage'],
    ['exclude_finished_jobs', 'excludeFinishedJobs'],
  ].map(([file, rest]) =>
    field(`sweep.early_termination.${file}`, `taskDetails.sweepSettings.earlyTermination.${rest}`),
  ),
  ...Array.from(
    restParameters,
    ([file, { rest, codec }]): JobField => ({
      file: ['training_parameters', file],
      rest: ['taskDetails', 'modelSettings', rest],
      codec,
    }),
  ),
];
