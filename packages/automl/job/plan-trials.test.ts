import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImageJob } from '../spec/job.ts';
import { parseJob } from '../spec/parse.ts';
import { planTrials } from './plan-trials.ts';

const MODELS = ['mobilenetv2', 'resnet18', 'resnet34'];

function jobOf(more: string): ImageJob {
  const text = `type: automl\ntask: image_classification\ntarget_column_name: label\ntraining_data: {path: data}\n${more}`;
  const { job, issues } = parseJob(text, { file: 'job.yml' });
  assert.ok(job, JSON.stringify(issues));
  return job;
}

test('a job without a search space has one trial that draws nothing', () => {
  assert.deepEqual(planTrials(jobOf(''), MODELS), [{}]);
});

test('a grid has the product of its choices, and no more than max_trials', () => {
  const space = `sweep: {sampling_algorithm: grid}
search_space: [{model_name: {type: choice, values: [resnet18, resnet34]}, layers_to_freeze: {type: choice, values: [0, 1, 2]}}]
`;
  assert.equal(planTrials(jobOf(`${space}limits: {max_trials: 100}`), MODELS).length, 6);
  assert.equal(planTrials(jobOf(`${space}limits: {max_trials: 4}`), MODELS).length, 4);
});

test('random trials are the same for the same job, and others for another seed', () => {
  const space = `sweep: {sampling_algorithm: random}
limits: {max_trials: 5}
search_space: [{learning_rate: {type: uniform, min_value: 0.001, max_value: 0.01}}]
`;
  const first = planTrials(jobOf(space), MODELS);
  assert.equal(first.length, 5);
  assert.deepEqual(planTrials(jobOf(space), MODELS), first);
  assert.notDeepEqual(planTrials(jobOf(`${space}training_parameters: {random_seed: 7}`), MODELS), first);
});

test('AutoMode tries every model with its defaults first, and leaves what the job fixes', () => {
  const free = planTrials(jobOf('limits: {max_trials: 5}'), MODELS);
  assert.deepEqual(
    free.slice(0, 3),
    MODELS.map((model_name) => ({ model_name })),
  );
  assert.equal(free.length, 5);

  const fixed = planTrials(
    jobOf('limits: {max_trials: 4}\ntraining_parameters: {model_name: resnet18, learning_rate: 0.02}'),
    MODELS,
  );
  assert.equal(fixed.length, 4);
  for (const { model_name, learning_rate } of fixed) {
    assert.equal(model_name, 'resnet18');
    assert.equal(learning_rate, undefined);
  }
});
