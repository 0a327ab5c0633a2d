import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIssues } from '@fovea/data';
import fc from 'fast-check';
import type { Definition } from './hyperparameter-definition.ts';
import { hyperparameters } from './hyperparameters.ts';
import type { ImageJob } from './job.ts';
import { plainJob, toYaml, withTrialHyperparameters } from './normalised-job.ts';
import { parseJob } from './parse.ts';
import { modelNames, type Task, tasks } from './tasks.ts';

const head = `type: automl
task: image_classification
target_column_name: label
training_data: {path: data}
`;

function read(text: string): ImageJob {
  const { job, issues } = parseJob(text, { file: 'job.yml' });
  assert.ok(job, formatIssues(issues, { sources: new Map([['job.yml', text]]) }));
  return job;
}

test('a job as YAML has every key that has a value, in the words of job files', () => {
  const job = read(
    `${head}training_parameters: {model_name: resnet18, advanced_settings: '{"stream_image_files": true}'}\n`,
  );
  assert.equal(
    toYaml(job),
    `type: automl
task: image_classification
experiment_name: Default
tags: {}
properties: {}
compute: local
log_verbosity: info
primary_metric: accuracy
target_column_name: label
training_data:
  path: data
  type: mltable
  mode: direct
validation_data_size: 0.2
limits:
  max_trials: 1
  max_concurrent_trials: 1
  timeout_minutes: 10080
training_parameters:
  model_name: resnet18
  advanced_settings: '{"stream_image_files":true}'
outputs:
  best_model:
    type: mlflow_model
`,
  );
});

test('the hyperparameters of a single trial can be filled in', () => {
  const { training_parameters: parameters } = withTrialHyperparameters(
    read(`${head}training_parameters: {momentum: 0.5}\n`),
  );
  assert.equal(parameters.model_name, 'vitb16r224');
  assert.equal(parameters.momentum, 0.5);
  assert.equal(parameters.training_batch_size, 48);
  assert.equal('checkpoint_frequency' in parameters, false);
});

test('those of a sweep or of AutoMode can not, before a model is known', () => {
  const job = read(`${head}limits: {max_trials: 3}\n`);
  assert.equal(withTrialHyperparameters(job), job);
});

/** Values that fit every model, so that most of the jobs are valid. */
const fitting: Record<string, fc.Arbitrary<unknown>> = {
  layers_to_freeze: fc.nat(5),
  training_crop_size: fc.constant(224),
  validation_crop_size: fc.constant(224),
  validation_resize_size: fc.integer({ min: 224, max: 999 }),
  min_size: fc.integer({ min: 1, max: 600 }),
  max_size: fc.integer({ min: 600, max: 9999 }),
};

function anyValue(name: string, definition: Definition): fc.Arbitrary<unknown> {
  const fits = fitting[name];
  if (fits !== undefined) return fits;
  switch (definition.kind) {
    case 'int':
      return fc.integer({ min: definition.range.min ?? -1000, max: definition.range.max ?? 1000 });
    case 'float': {
      const { min = 0, max = 1, below } = definition.range;
      return fc.double({ min, max, noNaN: true, maxExcluded: below !== undefined });
    }
    case 'bool':
      return fc.boolean();
    case 'string':
      return fc.string({ minLength: 1 });
    case 'grid':
      return fc.constantFrom('3x2', '1x4');
    case 'enum':
      return fc.constantFrom(...definition.values);
    case 'advanced_settings':
      return fc
        .record({ stream_image_files: fc.boolean() }, { requiredKeys: [] })
        .map((flags) => JSON.stringify(flags));
  }
}

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
const textMap = fc.dictionary(text, text, { maxKeys: 3 });

function jobOf(task: Task): fc.Arbitrary<Record<string, unknown>> {
  const own = (Object.entries(hyperparameters) as [string, Definition][]).filter(([, { tasks }]) =>
    tasks.includes(task),
  );
  const parameters = fc.record(
    {
      model_name: fc.constantFrom(...modelNames[task]),
      ...Object.fromEntries(own.map(([name, definition]) => [name, anyValue(name, definition)])),
    },
    { requiredKeys: [] },
  );
  const searchable = own.filter(([, { searchable, kind }]) => searchable !== false && kind !== 'string');
  const subSpace = fc.record(
    Object.fromEntries(
      searchable.map(([name, definition]) => {
        const value = anyValue(name, definition);
        const choice = fc.array(value, { minLength: 1, maxLength: 3 }).map((values) => ({ type: 'choice', values }));
        return [name, fc.oneof(value, choice)];
      }),
    ),
    { requiredKeys: [] },
  );
  const sweep = fc.record({
    sweep: fc.record(
      {
        sampling_algorithm: fc.constantFrom<unknown>(
          'random',
          'Grid',
          'bayesian',
          { type: 'Random', rule: 'sobol', seed: 3 },
          { type: 'grid' },
        ),
        early_termination: fc.oneof(
          fc.record({ type: fc.constant('bandit'), slack_factor: fc.double({ min: 0, max: 1, noNaN: true }) }),
          fc.record({ type: fc.constant('MedianStopping'), delay_evaluation: fc.nat(9) }),
          fc.record({
            type: fc.constant('truncation_selection'),
            truncation_percentage: fc.integer({ min: 1, max: 99 }),
          }),
        ),
        limits: fc.record({ max_trials: fc.integer({ min: 1, max: 9 }) }),
      },
      { requiredKeys: ['sampling_algorithm'] },
    ),
    search_space: fc.array(subSpace, { minLength: 1, maxLength: 3 }),
  });
  const rest = fc.record(
    {
      display_name: text,
      experiment_name: text,
      description: text,
      tags: textMap,
      properties: textMap,
      compute: text,
      log_verbosity: fc.constantFrom('Debug', 'info'),
      validation_data: fc.record({ path: text }),
      limits: fc.record(
        { max_trials: fc.integer({ min: 1, max: 1000 }), timeout_minutes: fc.integer({ min: 1, max: 9 }) },
        { requiredKeys: [] },
      ),
      training_parameters: parameters,
      environment_variables: textMap,
    },
    { requiredKeys: [] },
  );
  const needed = { type: 'automl', task, target_column_name: 'label', training_data: { path: 'data' } };
  return fc
    .tuple(rest, fc.oneof(fc.constant({}), sweep))
    .map(([keys, search]) => JSON.parse(JSON.stringify({ ...needed, ...keys, ...search })));
}

test('read back, the YAML of a job is the same job', () => {
  const options = { file: 'job.yml' };
  let valid = 0;
  fc.assert(
    fc.property(fc.constantFrom(...tasks).chain(jobOf), (given) => {
      const { job } = parseJob(JSON.stringify(given), options);
      if (job === null) return;
      valid += 1;
      const yaml = toYaml(job);
      const again = parseJob(yaml, options);
      assert.deepEqual(again.job, job, formatIssues(again.issues, { sources: new Map([['job.yml', yaml]]) }));
      assert.deepEqual(parseJob(JSON.stringify(plainJob(job)), options).job, job);
      const filled = withTrialHyperparameters(job);
      assert.deepEqual(read(toYaml(filled)), filled);
      assert.deepEqual(withTrialHyperparameters(filled), filled);
    }),
    { numRuns: 400 },
  );
  assert.ok(valid > 200, `only ${valid} jobs were valid`);
});
