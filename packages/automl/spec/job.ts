import { z } from 'zod';
import type { Distribution } from '../search/space.ts';
import { number, oneOf, section, text, textMap, trueOrFalse, wholeNumber } from '../yaml/value-schema.ts';
import { spaceValueSchema } from './distribution-schema.ts';
import type { Definition, EnumDefinition, GivenValue, StringDefinition } from './hyperparameter-definition.ts';
import { valueSchema } from './hyperparameter-schema.ts';
import { type HyperparameterName, hyperparameters } from './hyperparameters.ts';
import { defaultModels, modelNames, primaryMetrics, type Task, tasks } from './tasks.ts';

/** Fixed hyperparameters as a job gives them; what is left out gets its default when a trial's model is known. */
export type GivenHyperparameters = { model_name?: string } & {
  [Name in HyperparameterName]?: GivenValue<(typeof hyperparameters)[Name]>;
};

/** Per parameter a fixed value or a distribution. */
export type JobSubSpace = { [parameter: string]: string | number | boolean | Distribution };

const minutesOf = { sevenDays: 7 * 24 * 60, sixtyDays: 60 * 24 * 60 } as const;

/** What a job without limits may use. */
export const defaultLimits = { max_trials: 1, max_concurrent_trials: 1, timeout_minutes: minutesOf.sevenDays } as const;

const limits = () =>
  section({
    max_trials: wholeNumber({ min: 1, max: 1000 })
      .meta({ description: 'Most trials of the job.', default: defaultLimits.max_trials })
      .optional(),
    max_concurrent_trials: wholeNumber({ min: 1, max: 100 })
      .meta({ description: 'Most trials at the same time.', default: defaultLimits.max_concurrent_trials })
      .optional(),
    timeout_minutes: wholeNumber({ min: 1, max: minutesOf.sixtyDays })
      .meta({ description: 'Minutes after which the whole job is ended.', default: defaultLimits.timeout_minutes })
      .optional(),
  });

const dataInput = () =>
  z
    .strictObject(
      {
        path: text().meta({ description: 'Folder with an MLTable file, or the address of a data asset.' }),
        type: oneOf(['mltable']).meta({ description: 'Kind of data.' }).default('mltable'),
        mode: oneOf(['direct']).meta({ description: 'Data is read where it is.' }).default('direct'),
        description: text().meta({ description: 'A note on the data.' }).optional(),
      },
      {
        error: ({ code, input }) => {
          if (code === 'unrecognized_keys') return 'path type mode description';
          const binding = typeof input === 'string' && input.startsWith('${{');
          return binding
            ? 'can only be bound to an input inside a pipeline'
            : 'must be a map with path and type: mltable';
        },
      },
    )
    .meta({ description: 'Labelled images.' });
export type DataInput = z.output<ReturnType<typeof dataInput>>;

const schedule = {
  evaluation_interval: wholeNumber({})
    .transform((interval) => Math.max(1, interval))
    .meta({ description: 'Evaluations of a trial between two looks at it.' })
    .default(1),
  delay_evaluation: wholeNumber({ min: 0 })
    .meta({ description: 'Evaluations of a trial before the first look at it.' })
    .default(0),
};

const earlyTermination = () =>
  z
    .discriminatedUnion(
      'type',
      [
        section({
          type: z
            .literal('bandit')
            .meta({ description: 'Trials that fall behind the best one by a slack are stopped.' }),
          ...schedule,
          slack_factor: number({ min: 0 })
            .meta({ description: 'Slack as a share of the best trial: 0.2 stops what is below 1/1.2 of it.' })
            .optional(),
          slack_amount: number({ min: 0 })
            .meta({ description: 'Slack as a difference from the best trial; not used beside slack_factor.' })
            .optional(),
        }),
        section({
          type: z
            .literal('median_stopping')
            .meta({ description: 'Trials whose best is below the median of the running averages are stopped.' }),
          ...schedule,
        }),
        section({
          type: z
            .literal('truncation_selection')
            .meta({ description: 'At each look a percentage of the trials is stopped, the worst first.' }),
          ...schedule,
          truncation_percentage: wholeNumber({ min: 1, max: 99 }).meta({
            description: 'Percentage of trials that are stopped at each look.',
          }),
          exclude_finished_jobs: trueOrFalse()
            .meta({ description: 'Compare with running trials alone.' })
            .default(false),
        }),
      ],
      { error: () => 'must be a map of keys' },
    )
    .meta({ description: 'When trials that fall behind are stopped.' });
export type EarlyTermination = z.output<ReturnType<typeof earlyTermination>>;

export const samplingAlgorithms = ['random', 'grid', 'bayesian'] as const;
export const samplingRules = ['random', 'sobol'] as const;
export const earlyTerminationTypes = ['bandit', 'median_stopping', 'truncation_selection'] as const;

/** A word, or as generic sweep jobs write it a map. */
const samplingAlgorithm = () =>
  z
    .union([
      oneOf(samplingAlgorithms),
      section({
        type: oneOf(samplingAlgorithms).meta({ description: 'The algorithm.' }),
        rule: oneOf(samplingRules)
          .meta({ description: 'Of random: independent draws, or a sequence that covers the space evenly.' })
          .optional(),
        seed: wholeNumber({})
          .meta({ description: 'Of random and bayesian; training_parameters.random_seed when left out.' })
          .optional(),
      }),
    ])
    .meta({ description: 'How trials are drawn from the search space.' });
export type SamplingAlgorithm = z.output<ReturnType<typeof samplingAlgorithm>>;

const sweep = () =>
  section({
    sampling_algorithm: samplingAlgorithm(),
    early_termination: earlyTermination().optional(),
    limits: limits().meta({ description: 'Older place of limits.', deprecated: true }).optional(),
  });

const outputs = () =>
  section({
    best_model: section({
      type: oneOf(['mlflow_model']).meta({ description: 'Kind of model folder.' }).default('mlflow_model'),
      path: text().meta({ description: 'In Azure where the model is put; no effect here.' }).optional(),
      storage_uri: text().meta({ description: 'In Azure where the model is put; no effect here.' }).optional(),
    })
      .meta({ description: 'The model of the best trial.' })
      .default({ type: 'mlflow_model' }),
  });

const resources = () =>
  section({
    instance_count: wholeNumber({ min: 1 }).meta({ description: 'Machines of a trial.' }).optional(),
    instance_type: text().meta({ description: 'Kind of machine.' }).optional(),
    shm_size: text().meta({ description: 'Shared memory of the container, as 2g.' }).optional(),
    docker_args: text().meta({ description: 'Arguments for docker run.' }).optional(),
    properties: z
      .record(z.string(), z.unknown(), { error: () => 'must be a map of keys' })
      .meta({ description: 'Further properties of the machine.' })
      .optional(),
  });

const identity = () =>
  section({
    type: oneOf(['managed', 'aml_token', 'user_identity']).meta({ description: 'Kind of identity.' }),
    client_id: text().meta({ description: 'Client of a managed identity.' }).optional(),
    object_id: text().meta({ description: 'Object of a managed identity.' }).optional(),
    resource_id: text().meta({ description: 'Resource of a managed identity.' }).optional(),
  });

/** `model_name` as a hyperparameter; without a known task any text. */
function modelDefinition(task: Task | undefined): EnumDefinition | StringDefinition {
  const doc = 'The network that is trained.';
  if (task === undefined) return { kind: 'string', doc, tasks, default: null };
  return { kind: 'enum', doc, tasks, values: modelNames[task], default: defaultModels[task] };
}

/** The hyperparameters that a job of a task may name; those of all tasks when the task is not known. */
function definitionsFor(task: Task | undefined): [HyperparameterName, Definition][] {
  const entries = Object.entries(hyperparameters) as [HyperparameterName, Definition][];
  return entries.filter(([, definition]) => task === undefined || definition.tasks.includes(task));
}

const trainingParameters = (task: Task | undefined) =>
  section({
    model_name: valueSchema(modelDefinition(task)).optional(),
    ...Object.fromEntries(
      definitionsFor(task).map(([name, definition]) => [name, valueSchema(definition).optional()] as const),
    ),
  }) as unknown as z.ZodType<GivenHyperparameters>;

const searchSpace = (task: Task | undefined) => {
  const searchable = definitionsFor(task).filter(([, definition]) => definition.searchable !== false);
  const subSpace = section({
    model_name: spaceValueSchema(modelDefinition(task)).optional(),
    ...Object.fromEntries(searchable.map(([name, definition]) => [name, spaceValueSchema(definition).optional()])),
  }) as unknown as z.ZodType<JobSubSpace>;
  return z
    .array(subSpace, { error: () => 'must be a list of maps' })
    .min(1, { error: () => 'must have at least one map' });
};

/**
 * The schema of an image job file of one task; of any task when it is not known, so that everything else can be checked.
 * It checks keys one by one. What depends on several of them is in the rules; defaults that depend on others are filled
 * in afterwards.
 */
export function jobSchema(task: Task | undefined): JobSchema {
  const known = schemas.get(task);
  if (known !== undefined) return known;
  const schema = buildJobSchema(task);
  schemas.set(task, schema);
  return schema;
}

/** To build a schema takes longer than to use it. */
const schemas = new Map<Task | undefined, JobSchema>();

type JobSchema = ReturnType<typeof buildJobSchema>;

function buildJobSchema(task: Task | undefined) {
  return section({
    $schema: z
      .string({ error: () => 'must be text' })
      .meta({ description: 'Address of a schema, for editors.' })
      .optional(),
    type: oneOf(['automl']).meta({ description: 'Kind of job.' }),
    task: oneOf(task === undefined ? tasks : [task]).meta({ description: 'What the model is to learn.' }),
    name: z
      .string({ error: () => 'must be text' })
      .regex(/^[a-zA-Z0-9][a-zA-Z0-9_-]{0,254}$/, {
        error: () => 'must be up to 255 letters, digits, - and _, the first of them a letter or a digit',
      })
      .meta({ description: 'Name of the job; generated when left out.' })
      .optional(),
    display_name: text().meta({ description: 'Name for people; the name of the job when left out.' }).optional(),
    experiment_name: text().meta({ description: 'Jobs of one experiment belong together.' }).optional(),
    description: text().meta({ description: 'What the job is for.' }).optional(),
    tags: textMap().meta({ description: 'Words to find the job by.' }).default({}),
    properties: textMap()
      .meta({
        description: 'Further properties of the job; node_count_per_trial is the number of machines of a trial.',
      })
      .default({}),
    compute: text().meta({ description: 'Where the job runs.', default: 'local' }).default('local'),
    log_verbosity: oneOf(['not_set', 'debug', 'info', 'warning', 'error', 'critical'])
      .meta({ description: "Least important lines of the trials' logs." })
      .default('info'),
    primary_metric: oneOf(task === undefined ? allMetrics : [primaryMetrics[task]])
      .meta({ description: 'What the best epoch and the best trial are chosen by.' })
      .optional(),
    target_column_name: text().meta({ description: 'Column that holds the label; practically always label.' }),
    training_data: dataInput(),
    validation_data: dataInput().optional(),
    validation_data_size: number({ above: 0, below: 1 })
      .meta({
        description: 'Part of the training data that validates, when no validation_data is given.',
        default: 0.2,
      })
      .optional(),
    limits: limits().meta({ description: 'How many trials, how many at once, and for how long.' }).optional(),
    training_parameters: trainingParameters(task).meta({ description: 'Hyperparameters of every trial.' }).optional(),
    sweep: sweep().meta({ description: 'How the search space is searched.' }).optional(),
    search_space: searchSpace(task)
      .meta({ description: 'What trials are drawn from: maps of hyperparameters, of which each trial has one.' })
      .optional(),
    outputs: outputs().meta({ description: 'What the job leaves.' }).optional(),
    environment_id: text().meta({ description: 'In Azure the environment of the trials; no effect here.' }).optional(),
    environment_variables: textMap()
      .meta({ description: 'In Azure variables of the trials; no effect here.' })
      .optional(),
    resources: resources().meta({ description: 'In Azure the machines of the trials; no effect here.' }).optional(),
    identity: identity().meta({ description: 'In Azure who the trials run as; no effect here.' }).optional(),
  });
}

const allMetrics = [...new Set(Object.values(primaryMetrics))] as [string, ...string[]];

/** A job file that passed the schema, before the defaults that depend on other keys. */
export type CheckedJob = z.output<JobSchema>;

type Limits = { -readonly [Key in keyof typeof defaultLimits]: number };

/** A valid job with every default that does not depend on a trial's model, in the words of a job file. */
export interface ImageJob
  extends Omit<
    CheckedJob,
    'task' | 'experiment_name' | 'primary_metric' | 'limits' | 'training_parameters' | 'sweep' | 'outputs'
  > {
  task: Task;
  experiment_name: string;
  primary_metric: string;
  /** Present exactly when there is no `validation_data`. */
  validation_data_size?: number | undefined;
  limits: Limits;
  training_parameters: GivenHyperparameters;
  sweep?: { sampling_algorithm: SamplingAlgorithm; early_termination?: EarlyTermination | undefined };
  outputs: { best_model: { type: 'mlflow_model'; path?: string | undefined; storage_uri?: string | undefined } };
}

/** `individual`: one trial with fixed hyperparameters. `automode`: the system chooses. `sweep`: trials drawn from a space. */
export type JobMode = 'individual' | 'automode' | 'sweep';

export function jobMode(job: Pick<ImageJob, 'limits' | 'search_space'>): JobMode {
  if (job.search_space !== undefined) return 'sweep';
  return job.limits.max_trials > 1 ? 'automode' : 'individual';
}

/** The keys of a job file. */
export const jobKeys: readonly string[] = Object.keys(jobSchema(undefined).shape);
