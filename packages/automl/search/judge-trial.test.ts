import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJob } from '../spec/parse.ts';
import { judgeTrial } from './judge-trial.ts';
import type { SearchState, TriedTrial } from './search-state.ts';

function state(policy: string, trials: readonly TriedTrial[]): SearchState {
  const text = `type: automl
task: image_classification
target_column_name: label
training_data: {path: data}
limits: {max_trials: 9}
sweep: {sampling_algorithm: random${policy}}
search_space: [{learning_rate: {type: uniform, min_value: 0.001, max_value: 0.01}}]
`;
  const { job, issues } = parseJob(text, { file: 'job.yml' });
  assert.ok(job, JSON.stringify(issues));
  return { job, models: ['mobilenetv2'], trials, secondsLeft: 1e6, measured: [] };
}

const trial = (number: number, values: number[], status: TriedTrial['status'] = 'running'): TriedTrial => ({
  number,
  draw: {},
  status,
  reports: values.map((value, i) => ({ epoch: 2 * i + 1, value })),
  seconds: 60,
});

test('without a policy every trial goes on', () => {
  assert.deepEqual(judgeTrial(state('', [trial(0, [0.9]), trial(1, [0.1])]), 1), { end: false, because: null });
});

test('a policy ends a trial by intervals, whatever the epochs, and says by which figures', () => {
  const say = (policy: string, trials: readonly TriedTrial[], number: number) =>
    judgeTrial(state(`, early_termination: {${policy}}`, trials), number).because;
  const two = [trial(0, [0.5, 0.8], 'completed'), trial(1, [0.6, 0.4], 'stopped'), trial(2, [0.4, 0.6])];
  assert.equal(
    say('type: bandit, slack_factor: 0.2, evaluation_interval: 2', two, 2),
    'bandit after 2 evaluations: its best accuracy is 0.6000, below 0.6667, which is 0.8000, the best of 3 trials by then, less slack_factor 0.2',
  );
  assert.match(
    say('type: bandit, slack_amount: 0.1', two, 2) ?? '',
    /below 0\.7000, which is 0\.8000, the best of 3 trials by then, less slack_amount 0\.1$/,
  );
  assert.equal(say('type: bandit, slack_amount: 0.2', two, 2), null);
  assert.equal(say('type: bandit, slack_factor: 0.2, delay_evaluation: 3', two, 2), null);
  assert.equal(
    say('type: median_stopping', [trial(0, [0.5]), trial(1, [0.7]), trial(2, [0.4])], 2),
    'median_stopping after 1 evaluation: its best accuracy is 0.4000, below 0.5000, the median of the running averages of 3 trials by then',
  );
  assert.equal(
    say(
      'type: truncation_selection, truncation_percentage: 34',
      [trial(0, [0.5]), trial(4, [0.7]), trial(6, [0.4])],
      6,
    ),
    'truncation_selection after 1 evaluation: its best accuracy is 0.4000, among the lowest 1 of 3 trials by then (truncation_percentage 34)',
  );
});

test('a trial that reports no numbers is the worst, and a failed one is compared with up to its last report', () => {
  const trials = [trial(0, [0.5], 'failed'), trial(1, [0.6, 0.6]), trial(2, [Number.NaN])];
  const policy = ', early_termination: {type: bandit, slack_amount: 0.2}';
  assert.match(judgeTrial(state(policy, trials), 2).because ?? '', /its best accuracy is not a number, below 0\.4000/);
  assert.equal(judgeTrial(state(policy, trials), 1).end, false);
  assert.throws(() => judgeTrial(state(policy, trials), 5), /no trial 5/);
});
