import { type FileKind, isMap, oneOf, type Problem, section, squash, text, wholeNumber } from '@fovea/automl/yaml';
import { z } from 'zod';
import {
  type BatchDeploymentSpec,
  type BatchSettings,
  batchLoggingLevels,
  batchOutputActions,
} from '../batch/batch-spec.ts';
import {
  commonFields,
  endpointName,
  environmentField,
  environmentVariables,
  idleVariables,
  modelField,
  modelOf,
  modelProblems,
  noEffect,
  scoringScript,
} from './endpoint-fields.ts';
import type { SpecKind } from './read-spec.ts';

const file: FileKind = {
  thing: 'batch deployment',
  aThing: 'a batch deployment',
  needs: 'name, endpoint_name and model',
  begins: 'name: …, endpoint_name: …, model: azureml:…',
  assignment: 'settings.mini_batch_size=20',
};

/** Three days, the most that Azure's own runner of mini-batches takes. */
const mostSeconds = 259_200;

const fileName = () => {
  const error = () => 'must be the name of a file, without folders';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a file system takes them, a person does not
  return z.string({ error }).regex(/^(?!\.{1,2}$)[^/\\\u0000-\u001f]{1,200}$/, { error });
};

/** Each may be left out: in the older form they stand at root level. */
const settings = {
  max_concurrency_per_instance: wholeNumber({ min: 1 })
    .meta({ description: 'Mini-batches at the same time in an instance.', default: 1 })
    .optional(),
  mini_batch_size: wholeNumber({ min: 1 }).meta({ description: 'Files of a mini-batch.', default: 10 }).optional(),
  error_threshold: wholeNumber({ min: -1 })
    .meta({ description: 'Files that may fail before the job does; -1: any number.', default: -1 })
    .optional(),
  logging_level: oneOf(batchLoggingLevels).meta({ description: 'How much the log says.', default: 'info' }).optional(),
  retry_settings: section({
    max_retries: wholeNumber({ min: 0 }).meta({ description: 'Tries after a failed one.' }).default(3),
    timeout: wholeNumber({ min: 1, max: mostSeconds })
      .meta({ description: 'Seconds that a mini-batch may take.' })
      .default(30),
  })
    .meta({ description: 'What becomes of mini-batches that fail.' })
    .optional(),
  output_action: oneOf(batchOutputActions)
    .meta({ description: 'append_row: a row for each prediction; summary_only: none.', default: 'append_row' })
    .optional(),
  output_file_name: fileName()
    .meta({ description: 'Name of the file of predictions.', default: 'predictions.csv' })
    .optional(),
  environment_variables: environmentVariables().optional(),
};

const settingKeys = Object.keys(settings) as (keyof BatchSettings)[];

const schema = section({
  ...commonFields('deployment'),
  endpoint_name: endpointName(),
  type: oneOf(['model']).meta({ description: 'Kind of deployment.' }).default('model'),
  model: modelField(),
  compute: text().meta({ description: 'In Azure where jobs run; they run on this machine.' }).default('local'),
  environment: environmentField(),
  resources: section({
    instance_count: wholeNumber({ min: 1 }).meta({ description: 'Processes that a job uses.' }).default(1),
    instance_type: text().meta({ description: 'In Azure the kind of machine; jobs run on this one.' }).optional(),
  })
    .meta({ description: 'What a job uses.' })
    .prefault({}),
  settings: section(settings).meta({ description: 'How a job works through its input.' }).optional(),
  ...settings,
});

type Checked = z.output<typeof schema>;

export const batchDeploymentKind: SpecKind<Checked, BatchDeploymentSpec> = {
  name: 'batch-deployment',
  file,
  schema,
  other: pipeline,
  refused: scoringScript,
  rules: (parts, raw) => [
    ...modelProblems(parts.model),
    ...twiceProblems(raw),
    ...variableProblems(parts),
    ...(parts.environment === undefined ? [] : [noEffect(['environment'], 'Fovea itself runs the model')]),
    ...placeProblems(parts),
  ],
  over(base, raw) {
    const { settings: before, ...others } = base;
    const isOlder = settingKeys.some((key) => Object.hasOwn(raw, key));
    return isOlder && isMap(before) ? { ...others, ...before, ...raw } : { ...base, ...raw };
  },
  finish({ $schema: _, description, model, environment, resources, settings, ...rest }) {
    const given: Partial<BatchSettings> = Object.fromEntries(
      settingKeys.flatMap((key) => {
        const value = settings?.[key] ?? rest[key];
        return value === undefined ? [] : [[key, value]];
      }),
    );
    const { name, endpoint_name, tags, properties, type, compute } = rest;
    return {
      ...{ name, endpoint_name, description: description ?? null, tags, properties, type },
      ...{ model: modelOf(model), compute, environment: environment ?? null },
      resources: { ...resources, instance_type: resources.instance_type ?? null },
      settings: { ...defaults, ...given },
    };
  },
};

const defaults: BatchSettings = {
  max_concurrency_per_instance: 1,
  mini_batch_size: 10,
  error_threshold: -1,
  logging_level: 'info',
  retry_settings: { max_retries: 3, timeout: 30 },
  output_action: 'append_row',
  output_file_name: 'predictions.csv',
  environment_variables: {},
};

function pipeline(raw: Record<string, unknown>): Problem | undefined {
  const isType = typeof raw.type === 'string' && squash(raw.type) === 'pipeline';
  const isSchema = typeof raw.$schema === 'string' && /pipelineComponentBatchDeployment/i.test(raw.$schema);
  if (!isType && !isSchema) return undefined;
  const path = [isType ? 'type' : '$schema'];
  return { code: 'unsupported', path, message: 'pipelines are not run', hint: 'type: model runs a model' };
}

function twiceProblems(raw: Record<string, unknown>): Problem[] {
  const { settings: inner } = raw;
  if (!isMap(inner)) return [];
  return settingKeys
    .filter((key) => Object.hasOwn(raw, key) && Object.hasOwn(inner, key))
    .map((key) => ({
      ...{ code: 'duplicate-key', path: [key], on: 'key' },
      message: `${key} is given in settings, too`,
      hint: 'keep the one in settings',
    }));
}

const variableProblems = ({ settings: inner, environment_variables: outer = {} }: Partial<Checked>): Problem[] => [
  ...idleVariables(['environment_variables'], outer),
  ...idleVariables(['settings', 'environment_variables'], inner?.environment_variables ?? {}),
];

const placeProblems = ({ compute = 'local' }: Partial<Checked>): Problem[] =>
  compute === 'local' || compute === 'azureml:local'
    ? []
    : [noEffect(['compute'], `jobs run on this machine, not on ${compute}`)];
