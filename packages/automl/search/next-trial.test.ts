import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImageJob } from '../spec/job.ts';
import { parseJob } from '../spec/parse.ts';
import { nextTrial } from './next-trial.ts';
import type { SearchState, TriedTrial } from './search-state.ts';

const head = 'type: automl\ntask: image_classification\ntarget_column_name: label\ntraining_data: {path: data}\n';

function jobOf(more: string): ImageJob {
  const { job, issues } = parseJob(head + more, { file: 'job.yml' });
  assert.ok(job, JSON.stringify(issues));
  return job;
}

const state = (job: ImageJob, trials: readonly TriedTrial[] = [], secondsLeft = 1e6): SearchState => ({
  job,
  models: ['mobilenetv2', 'resnet18'],
  trials,
  secondsLeft,
  measured: [],
});

const ended = (number: number, draw: TriedTrial['draw'], value: number): TriedTrial => ({
  number,
  draw,
  status: 'completed',
  reports: [{ epoch: 1, value }],
  seconds: 10,
});

/** The draws of a whole job, each trial reaching what `reached` says. */
function draws(job: ImageJob, reached: (draw: TriedTrial['draw']) => number = () => 0.5): TriedTrial['draw'][] {
  const trials: TriedTrial[] = [];
  for (;;) {
    const next = nextTrial(state(job, trials));
    if (next === null) return trials.map(({ draw }) => draw);
    assert.ok(next !== 'wait');
    assert.ok(next.because.length > 5);
    trials.push(ended(trials.length, next.draw, reached(next.draw)));
  }
}

test('a job without a search space has one trial that draws nothing', () => {
  assert.deepEqual(draws(jobOf('')), [{}]);
});

test('a grid has the product of its choices, and no more than max_trials', () => {
  const space = `sweep: {sampling_algorithm: grid}
search_space: [{model_name: {type: choice, values: [resnet18, resnet34]}, layers_to_freeze: {type: choice, values: [0, 1, 2]}}]
`;
  const all = draws(jobOf(`${space}limits: {max_trials: 100}`));
  assert.equal(all.length, 6);
  assert.deepEqual(all[1], { model_name: 'resnet18', layers_to_freeze: 1 });
  assert.deepEqual(draws(jobOf(`${space}limits: {max_trials: 4}`)), all.slice(0, 4));
});

const rate =
  'search_space: [{learning_rate: {type: uniform, min_value: 0.001, max_value: 0.01}}]\nlimits: {max_trials: 5}\n';

for (const sampling of ['random', '{type: random, rule: sobol}', 'bayesian']) {
  test(`${sampling}: the same job has the same draws, another seed others`, () => {
    const sweep = `${rate}sweep: {sampling_algorithm: ${sampling}}\n`;
    const first = draws(jobOf(sweep));
    assert.equal(new Set(first.map((draw) => draw.learning_rate)).size, 5);
    assert.deepEqual(draws(jobOf(sweep)), first);
    const other = draws(jobOf(`${sweep}training_parameters: {random_seed: 43}`));
    for (const { learning_rate } of other) assert.ok(first.every((draw) => draw.learning_rate !== learning_rate));
  });
}

test('the seed of the sampling itself counts more than that of training', () => {
  const sweep = (seed: number) => `${rate}sweep: {sampling_algorithm: {type: random, seed: ${seed}}}\n`;
  const first = draws(jobOf(sweep(3)));
  assert.deepEqual(draws(jobOf(`${sweep(3)}training_parameters: {random_seed: 7}`)), first);
  assert.notDeepEqual(draws(jobOf(sweep(4))), first);
});

test('random draws do not depend on what trials reach, nor on whether they ended', () => {
  const job = jobOf(`${rate}sweep: {sampling_algorithm: random}\n`);
  const [first, second] = draws(job);
  for (const status of ['running', 'failed', 'stopped', 'canceled'] as const) {
    const next = nextTrial(state(job, [{ ...ended(0, first, Number.NaN), status }]));
    assert.deepEqual(typeof next === 'object' && next?.draw, second);
  }
});

test('trials count towards max_trials however they ended, and none begins when time is up', () => {
  const job = jobOf(`${rate}sweep: {sampling_algorithm: random}\n`);
  const failed = Array.from({ length: 5 }, (_, i) => ({ ...ended(i, {}, 0), status: 'failed' as const, reports: [] }));
  assert.equal(nextTrial(state(job, failed)), null);
  assert.equal(nextTrial(state(job, failed.slice(0, 4), 0)), null);
  assert.notEqual(nextTrial(state(job, failed.slice(0, 4), 1)), null);
});
