import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import type { JsonSchema } from '../yaml/json-schema.ts';
import { editorSchema } from './editor-schema.ts';
import { hyperparameters } from './hyperparameters.ts';
import { jobKeys } from './job.ts';
import { parseJob } from './parse.ts';
import { tasks } from './tasks.ts';

const schema = editorSchema();
const validate = new Ajv2020({
  allErrors: true,
  strict: true,
  allowUnionTypes: true,
  strictTypes: false,
  strictRequired: false,
}).compile(schema);

/** What the schema has against a job file. */
function complaints(text: string): string[] {
  if (validate(parse(text))) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

const folder = join(import.meta.dirname, '../fixtures/jobs');
const files = globSync('{jobs,jobs-legacy-syntax,sdk-test-configs,pipelines}/*', { cwd: folder }).sort();

for (const file of files) {
  const text = readFileSync(join(folder, file), 'utf8');
  const isRight = parseJob(text, { file }).job !== null;
  test(`the schema ${isRight ? 'takes' : 'refuses'} ${file}, as a job file is`, () => {
    assert.equal(complaints(text).length === 0, isRight, complaints(text).join('\n'));
  });
}

const head = `type: automl
task: image_object_detection
target_column_name: label
training_data: {path: data}
`;

const right: [what: string, lines: string][] = [
  ['nothing more', ''],
  ['words in other spellings', 'log_verbosity: NotSet\nprimary_metric: MeanAveragePrecision\n'],
  [
    'numbers and truth values as text',
    'limits: {max_trials: "4"}\ntraining_parameters: {nesterov: "Yes", learning_rate: "1e-3"}\n',
  ],
  ['truth values as numbers', 'training_parameters: {multi_scale: 1, early_stopping: 0}\n'],
  [
    'auto, aliases, grids',
    'training_parameters: {training_batch_size: auto, model_size: xlarge, tile_grid_size: "(3, 2)"}\n',
  ],
  ['flags as JSON in text', `training_parameters: {advanced_settings: '{"stream_image_files": true}'}\n`],
  ['tags that are numbers', 'tags: {year: 2026, right: true}\n'],
  [
    'both forms of a search space',
    'sweep: {sampling_algorithm: Random}\nsearch_space:\n' +
      "  - {model_name: choice('yolov5'), learning_rate: 'uniform(0.001, 0.01)', model_size: {type: Choice, values: [small, XLarge]}}\n" +
      '  - {model_name: fasterrcnn_resnet50_fpn, min_size: {type: quniform, min_value: 400, max_value: 800, q: 100}}\n',
  ],
  [
    'sampling as a map, and policies',
    'sweep:\n  sampling_algorithm: {type: random, rule: sobol, seed: 7}\n  early_termination: {type: MedianStopping, evaluation_interval: 2}\n' +
      'search_space: [{learning_rate: {type: loguniform, min_value: -7, max_value: -3}}]\n',
  ],
];

for (const [what, lines] of right) {
  test(`the schema takes ${what}`, () => {
    const { job, issues } = parseJob(head + lines, { file: 'job.yml' });
    assert.notEqual(job, null, JSON.stringify(issues));
    assert.deepEqual(complaints(head + lines), []);
  });
}

const wrong: [what: string, lines: string, where: RegExp][] = [
  ['an unknown key', 'max_trials: 3\n', /^ must NOT have additional/],
  ['a misspelt key', 'limits: {max_trails: 3}\n', /^\/limits must NOT have additional/],
  ['a number out of range', 'limits: {max_trials: 0}\n', /^\/limits\/max_trials must be >= 1/],
  [
    'a hyperparameter of another task',
    'training_parameters: {training_crop_size: 224}\n',
    /^\/training_parameters must NOT/,
  ],
  ['a model of another task', 'training_parameters: {model_name: resnet18}\n', /^\/training_parameters\/model_name/],
  ['the metric of another task', 'primary_metric: accuracy\n', /^\/primary_metric/],
  ['a word that is none', 'training_parameters: {optimizer: lion}\n', /^\/training_parameters\/optimizer/],
  ['a search space without a sweep', 'search_space: [{learning_rate: 0.1}]\n', /must have property sweep/],
  ['a sweep without a search space', 'sweep: {sampling_algorithm: random}\n', /must have property search_space/],
  ['one tile', 'training_parameters: {tile_grid_size: 1x1}\n', /tile_grid_size must match/],
  [
    'a whole number from a range without steps',
    'sweep: {sampling_algorithm: random}\nsearch_space: [{number_of_epochs: "uniform(1, 9)"}]\n',
    /number_of_epochs must match/,
  ],
  [
    'a range in a grid',
    'sweep: {sampling_algorithm: {type: Grid}}\nsearch_space: [{learning_rate: "uniform(0.1, 0.2)"}]\n',
    /learning_rate must NOT be valid/,
  ],
  [
    'a distribution without its bounds',
    'sweep: {sampling_algorithm: random}\nsearch_space: [{learning_rate: {type: uniform, min_value: 0.1}}]\n',
    /learning_rate must have required property 'max_value'/,
  ],
];

for (const [what, lines, where] of wrong) {
  test(`the schema refuses ${what}, and so does the reader`, () => {
    assert.equal(parseJob(head + lines, { file: 'job.yml' }).job, null);
    const found = complaints(head + lines);
    assert.ok(
      found.some((complaint) => where.test(complaint)),
      found.join('\n'),
    );
  });
}

test('what a job needs is required', () => {
  assert.deepEqual(
    complaints('{}').map((complaint) => complaint.trim()),
    ['type', 'task', 'target_column_name', 'training_data'].map((key) => `must have required property '${key}'`),
  );
});

test('every key of a job file is described', () => {
  const places: string[] = [];
  const look = (part: unknown, place: string): void => {
    if (typeof part !== 'object' || part === null) return;
    const { properties, allOf, if: condition, ...rest } = part as JsonSchema;
    for (const [key, value] of Object.entries((properties ?? {}) as Record<string, JsonSchema>)) {
      const target = typeof value.$ref === 'string' ? at(value.$ref) : value;
      if (!/^\S.*[.:]$/.test(String(target.description))) places.push(`${place}/${key}`);
      look(value, `${place}/${key}`);
    }
    // Rules that hold keys against each other have no keys of their own.
    for (const { then } of ((allOf ?? []) as JsonSchema[]).slice(0, tasks.length)) look(then, `${place}/task`);
    for (const [key, value] of Object.entries(rest)) look(value, `${place}/${key}`);
  };
  look(schema, '');
  assert.deepEqual(places, []);
});

test('keys, hyperparameters and tasks are those of the reader', () => {
  assert.deepEqual(Object.keys(schema.properties as object), jobKeys);
  const parts = (schema.allOf as JsonSchema[])
    .slice(0, tasks.length)
    .map(({ then }) => (then as JsonSchema).properties);
  for (const [i, task] of tasks.entries()) {
    const { training_parameters } = parts[i] as Record<string, { properties: object }>;
    const names = Object.entries(hyperparameters).filter(([, { tasks }]) =>
      (tasks as readonly string[]).includes(task),
    );
    assert.deepEqual(Object.keys(training_parameters.properties), ['model_name', ...names.map(([name]) => name)]);
  }
});

test('defaults are those of the task, and words say those of some models', () => {
  const detection = ((schema.allOf as JsonSchema[])[2].then as JsonSchema).properties as Record<string, JsonSchema>;
  const { box_score_threshold, optimizer, checkpoint_run_id } = detection.training_parameters.properties as Record<
    string,
    JsonSchema
  >;
  assert.equal(box_score_threshold.default, 0.3);
  assert.match(String(box_score_threshold.description), /When left out: 0\.3; 0\.1 for yolov5\.$/);
  assert.equal(optimizer.default, 'sgd');
  assert.ok(!('default' in checkpoint_run_id));
  const { training_data, limits } = schema.properties as Record<string, { properties: Record<string, JsonSchema> }>;
  assert.equal(training_data.properties.type.default, 'mltable');
  assert.equal(limits.properties.timeout_minutes.default, 7 * 24 * 60);
});

function at(reference: string): JsonSchema {
  const name = decodeURIComponent(reference.replace('#/$defs/', ''));
  return (schema.$defs as Record<string, JsonSchema>)[name];
}
