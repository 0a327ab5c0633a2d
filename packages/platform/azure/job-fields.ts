import { type HyperparameterName, hyperparameters, restNameOf } from '@fovea/automl';
import { durationOfMinutes, secondsOfDuration } from './duration.ts';
import { asItIs, type Codec, pascal, type WireField, wireField, word } from './wire-fields.ts';

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

const dataFields = (file: string, rest: string): WireField[] => [
  wireField(`${file}.path`, `${rest}.uri`),
  wireField(`${file}.type`, `${rest}.jobInputType`),
  wireField(`${file}.mode`, `${rest}.mode`, word),
  wireField(`${file}.description`, `${rest}.description`),
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
export const jobFields: readonly WireField[] = [
  wireField('display_name', 'displayName'),
  wireField('experiment_name', 'experimentName'),
  wireField('description', 'description'),
  wireField('tags', 'tags'),
  wireField('properties', 'properties'),
  wireField('environment_id', 'environmentId'),
  wireField('environment_variables', 'environmentVariables'),
  wireField('resources.instance_count', 'resources.instanceCount'),
  wireField('resources.instance_type', 'resources.instanceType'),
  wireField('resources.shm_size', 'resources.shmSize'),
  wireField('resources.docker_args', 'resources.dockerArgs'),
  wireField('resources.properties', 'resources.properties'),
  wireField('identity.type', 'identity.identityType', identityType),
  wireField('identity.client_id', 'identity.clientId'),
  wireField('identity.object_id', 'identity.objectId'),
  wireField('identity.resource_id', 'identity.resourceId'),
  wireField('outputs.best_model.type', 'outputs.best_model.jobOutputType'),
  wireField('outputs.best_model.path', 'outputs.best_model.uri'),
  wireField('outputs.best_model.storage_uri', 'outputs.best_model.storageUri'),
  wireField('task', 'taskDetails.taskType', word),
  wireField('log_verbosity', 'taskDetails.logVerbosity', word),
  wireField('primary_metric', 'taskDetails.primaryMetric', metric),
  wireField('target_column_name', 'taskDetails.targetColumnName'),
  ...dataFields('training_data', 'taskDetails.trainingData'),
  ...dataFields('validation_data', 'taskDetails.validationData'),
  wireField('validation_data_size', 'taskDetails.validationDataSize'),
  wireField('limits.max_trials', 'taskDetails.limitSettings.maxTrials'),
  wireField('limits.max_concurrent_trials', 'taskDetails.limitSettings.maxConcurrentTrials'),
  wireField(
    'limits.timeout_minutes',
    'taskDetails.limitSettings.timeout',
    timeout,
    'an ISO 8601 duration, as PT60M or P7D',
  ),
  wireField('sweep.sampling_algorithm.type', 'taskDetails.sweepSettings.samplingAlgorithm', word),
  wireField('sweep.sampling_algorithm.rule', 'taskDetails.sweepSettings.rule', word),
  wireField('sweep.sampling_algorithm.seed', 'taskDetails.sweepSettings.seed'),
  wireField('sweep.early_termination.type', 'taskDetails.sweepSettings.earlyTermination.policyType', word),
  ...[
    ['evaluation_interval', 'evaluationInterval'],
    ['delay_evaluation', 'delayEvaluation'],
    ['slack_factor', 'slackFactor'],
    ['slack_amount', 'slackAmount'],
    ['truncation_percentage', 'truncationPercentage'],
    ['exclude_finished_jobs', 'excludeFinishedJobs'],
  ].map(([file, rest]) =>
    wireField(`sweep.early_termination.${file}`, `taskDetails.sweepSettings.earlyTermination.${rest}`),
  ),
  ...Array.from(
    restParameters,
    ([file, { rest, codec }]): WireField => ({
      file: ['training_parameters', file],
      rest: ['taskDetails', 'modelSettings', rest],
      codec,
    }),
  ),
];
