import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImageJob } from '../../spec/job.ts';
import { parseJob } from '../../spec/parse.ts';
import { trialHyperparameters } from '../../spec/resolve-hyperparameters.ts';
import { runnableModels } from '../../spec/runnable-models.ts';
import { judgeTrial } from '../judge-trial.ts';
import { modelsToMeasure } from '../models-to-measure.ts';
import { nextTrial } from '../next-trial.ts';
import type { MeasuredModel, SearchState, TriedTrial } from '../search-state.ts';
import type { Assignment } from '../space.ts';
import { portfolioOf } from './portfolio.ts';
import { epochsOf, secondsOf } from './seconds.ts';

function jobOf(more: string, task = 'image_classification'): ImageJob {
  const { job, issues } = parseJob(
    `type: automl\ntask: ${task}\ntarget_column_name: label\ntraining_data: {path: data}\n${more}`,
    { file: 'job.yml' },
  );
  assert.ok(job, JSON.stringify(issues));
  return job;
}

function measuredModel(model: string, more: Partial<MeasuredModel> = {}): MeasuredModel {
  return {
    model,
    fits: true,
    secondsPerEpoch: 12,
    secondsPerFullEpoch: 30,
    startSeconds: 5,
    peakMemoryBytes: 1e9,
    pretrained: true,
    ...more,
    hyperparameters: {
      ...{
        number_of_epochs: 15,
        early_stopping_patience: 5,
        learning_rate: 0.01,
        optimizer: 'sgd',
        weight_decay: 1e-4,
      },
      ...{ layers_to_freeze: 14, warmup_cosine_lr_warmup_epochs: 2, label_smoothing_factor: 0 },
      ...{ training_crop_size: 224, validation_crop_size: 224, validation_resize_size: 256 },
      ...more.hyperparameters,
    },
  };
}

const SMALL = measuredModel('mobilenetv2');
const LARGE = measuredModel('resnet34', {
  ...{ secondsPerEpoch: 30, secondsPerFullEpoch: 80 },
  hyperparameters: { layers_to_freeze: 3 },
});

interface World {
  /** Metric of a trial that was trained to its end. */
  reaches: (draw: Assignment) => number;
  /** How many times as long trials take as was measured. */
  pace?: number;
  measured?: readonly MeasuredModel[];
}

interface Played {
  trials: TriedTrial[];
  because: string[];
  ended: (string | null)[];
  seconds: number;
}

/** A whole job, one trial after another; metrics approach what a trial reaches as its epochs go by. */
function play(job: ImageJob, { reaches, pace = 1, measured = [SMALL, LARGE] }: World): Played {
  const models = measured.map(({ model }) => model);
  const trials: TriedTrial[] = [];
  const because: string[] = [];
  const ended: (string | null)[] = [];
  const budget = job.limits.timeout_minutes * 60;
  let seconds = 0;
  const state = (): SearchState => ({ job, models, trials, secondsLeft: budget - seconds, measured });
  for (;;) {
    const next = nextTrial(state());
    assert.deepEqual(nextTrial(state()), next, 'the same state gives the same trial');
    if (next === null) return { trials, because, ended, seconds };
    assert.ok(next !== 'wait', 'nothing runs that could be waited for');
    trialHyperparameters(job, next.draw); // throws for what can not be trained
    const model = measured.find(({ model }) => model === next.draw.model_name) as MeasuredModel;
    const number = trials.length;
    const last = epochsOf(model, next.draw);
    const total = secondsOf(model, next.draw) * pace;
    const reports: { epoch: number; value: number }[] = [];
    let status: TriedTrial['status'] = 'running';
    let reason: string | null = null;
    const perEpoch = (total - model.startSeconds * pace) / last;
    for (let epoch = 1; epoch <= last && status === 'running'; epoch++) {
      reports.push({ epoch, value: reaches(next.draw) * (1 - 0.6 * Math.exp((-8 * epoch) / 15)) });
      trials[number] = {
        number,
        draw: next.draw,
        status,
        reports,
        seconds: model.startSeconds * pace + epoch * perEpoch,
      };
      const verdict = judgeTrial(state(), number);
      if (verdict.end) [status, reason] = ['stopped', verdict.because];
    }
    trials[number] = { ...trials[number], status: status === 'running' ? 'completed' : status };
    seconds += trials[number].seconds;
    because.push(next.because);
    ended.push(reason);
  }
}

/** AdamW and some unfreezing are better; the large model is, too. */
const reaches = ({ model_name: model, optimizer, layers_to_freeze: frozen, learning_rate: rate }: Assignment): number =>
  0.7 +
  (model === 'resnet34' ? 0.05 : 0) +
  (optimizer === 'adamw' ? 0.06 : 0) +
  (typeof frozen === 'number' && frozen < 14 ? 0.02 : 0) -
  0.01 * (typeof rate === 'number' && optimizer !== 'adamw' ? Math.abs(Math.log(rate / 0.012)) : 0);

const bestOf = ({ trials }: Played) =>
  trials.reduce((a, b) =>
    Math.max(...b.reports.map((r) => r.value)) > Math.max(...a.reports.map((r) => r.value)) ? b : a,
  );

test('with plenty of time the first trial is the default one, exactly', () => {
  const { trials, because } = play(jobOf('limits: {max_trials: 10}'), { reaches });
  assert.deepEqual(trials[0].draw, { model_name: 'mobilenetv2' });
  assert.match(because[0], /^1 of 5 in the portfolio, .*; mobilenetv2 as suits the amount of data, 15 epochs/);
  assert.equal(trials.length, 10);
});

test('the portfolio comes first, cheap models first, then refinements of the best; what falls behind is stopped', () => {
  const played = play(jobOf('limits: {max_trials: 12}'), { reaches });
  const { trials, because, ended } = played;
  const models = trials.slice(0, 6).map(({ draw }) => draw.model_name);
  assert.deepEqual([...new Set(models)], ['mobilenetv2', 'resnet34']);
  assert.ok(
    because.slice(6).every((reason) => /^near trial \d+, the best so far with accuracy 0\.\d{4};/.test(reason)),
  );
  assert.ok(trials.some(({ status }) => status === 'stopped'));
  for (const [i, reason] of ended.entries()) {
    if (trials[i].status !== 'stopped') continue;
    assert.match(
      reason ?? '',
      /^successive halving after epoch \d+ of 15: accuracy 0\.\d{4} is place \d+ of the \d+ trials that came this far, and the best (1 goes|\d+ go) on; the best has 0\.\d{4}$/,
    );
    assert.ok(trials[i].reports.length < 15);
  }
  assert.equal(bestOf(played).draw.optimizer, 'adamw');
});

for (const minutes of [1, 2, 3, 4, 6, 10, 20, 60]) {
  for (const pace of [0.7, 1, 1.5, 3]) {
    test(`a job of ${minutes} min ends in time and uses it, where trials take ${pace} times what was measured`, () => {
      const job = jobOf(`limits: {max_trials: 10, timeout_minutes: ${minutes}}`);
      const played = play(job, { reaches, pace });
      const { trials, seconds } = played;
      assert.ok(trials.length >= 1 && trials.length <= 10);
      // A measurement that is too low shows only when the first trial has run.
      assert.ok(seconds <= minutes * 60 || pace > 1, `${seconds} s`);
      if (minutes <= 10) assert.ok(seconds > minutes * 60 * 0.5, `${seconds} s of ${minutes * 60}`);
      const longest = Math.max(...trials.map(({ reports }) => reports.length));
      assert.ok(longest >= Math.min(15, Math.floor((minutes * 60 * 0.4) / (12 * pace))), `${longest} epochs`);
    });
  }
}

test('where time is short, probes of few epochs choose what gets the rest of it', () => {
  const played = play(jobOf('limits: {max_trials: 10, timeout_minutes: 4}'), { reaches });
  const epochs = played.trials.map(({ reports }) => reports.length);
  assert.ok(epochs.filter((count) => count <= 2).length >= 2, `${epochs}`);
  assert.ok(Math.max(...epochs) >= 8, `${epochs}`);
  assert.equal(bestOf(played).draw.optimizer, 'adamw');
  assert.match(played.because[0], /^one of \d probes, of which the best is trained for longer; mobilenetv2 as suits/);
  assert.ok(
    played.because.some((reason) => /was the best of \d probes: accuracy 0\.\d{4} after \d epochs?; /.test(reason)),
  );
});

test('where a whole trial takes little more than half the time, it comes first', () => {
  const { trials } = play(jobOf('limits: {max_trials: 10, timeout_minutes: 6}'), { reaches });
  assert.deepEqual(trials[0].draw, { model_name: 'mobilenetv2' });
  assert.equal(trials[0].reports.length, 15);
});

test('no time for any choice: one trial gets it all, however few epochs those are', () => {
  const slow = measuredModel('mobilenetv2', { secondsPerEpoch: 50, secondsPerFullEpoch: 120 });
  const job = jobOf('limits: {max_trials: 10, timeout_minutes: 2}');
  const { trials } = play(job, { reaches, measured: [slow] });
  assert.deepEqual(
    trials.map(({ reports }) => reports.length),
    [2],
  );
  const tooSlow = measuredModel('mobilenetv2', { secondsPerEpoch: 500, secondsPerFullEpoch: 1200 });
  assert.equal(play(job, { reaches, measured: [tooSlow] }).trials.length, 1);
});

test('models that do not fit, and random weights where others know something, are left out', () => {
  const without = (more: Partial<MeasuredModel>) =>
    play(jobOf('limits: {max_trials: 8}'), { reaches, measured: [SMALL, { ...LARGE, ...more }] }).trials;
  for (const more of [{ fits: false, why: 'out of memory' }, { pretrained: false }])
    assert.ok(without(more).every(({ draw }) => draw.model_name === 'mobilenetv2'));
  const random = [SMALL, LARGE].map((model) => ({ ...model, pretrained: false }));
  const both = play(jobOf('limits: {max_trials: 8}'), { reaches, measured: random }).trials;
  assert.ok(both.some(({ draw }) => draw.model_name === 'resnet34'));
});

test('of models whose weights are known no better one is cheaper; several are in the portfolio', () => {
  const seconds = { mobilenetv2: 10, resnet18: 12, resnet34: 20, vits16r224: 30, resnet50: 40, vitb16r224: 90 };
  const measured = Object.entries(seconds).map(([model, secondsPerEpoch]) =>
    measuredModel(model, {
      secondsPerEpoch,
      secondsPerFullEpoch: secondsPerEpoch,
      hyperparameters: { layers_to_freeze: 0 },
    }),
  );
  const job = jobOf('limits: {max_trials: 10}');
  const portfolio = portfolioOf({ job, models: Object.keys(seconds), trials: [], secondsLeft: 1e6, measured });
  assert.deepEqual(
    portfolio.slice(0, 5).map(({ model }) => model.model),
    ['mobilenetv2', 'resnet34', 'mobilenetv2', 'vits16r224', 'resnet34'],
  );
  const all = new Set(portfolio.map(({ model }) => model.model));
  assert.deepEqual([...all].toSorted(), ['mobilenetv2', 'resnet34', 'vitb16r224', 'vits16r224']);
});

test('what the job fixes is varied by no trial, the number of epochs and the model neither', () => {
  const fixed = 'model_name: resnet34, learning_rate: 0.02, number_of_epochs: 6, layers_to_freeze: 2';
  const job = jobOf(`limits: {max_trials: 8, timeout_minutes: 30}\ntraining_parameters: {${fixed}}`);
  const measured = [
    measuredModel('resnet34', { hyperparameters: { number_of_epochs: 6, learning_rate: 0.02, layers_to_freeze: 2 } }),
  ];
  const { trials } = play(job, { reaches, measured });
  assert.ok(trials.length >= 3);
  for (const { draw } of trials) {
    assert.equal(draw.model_name, 'resnet34');
    for (const name of ['learning_rate', 'number_of_epochs', 'layers_to_freeze']) assert.ok(!(name in draw), name);
  }
});

test('trials at the same time: probes run together, what needs their outcome waits', () => {
  const job = jobOf('limits: {max_trials: 10, max_concurrent_trials: 10, timeout_minutes: 4}');
  const trials: TriedTrial[] = [];
  const state = (): SearchState => ({
    job,
    models: ['mobilenetv2', 'resnet34'],
    trials,
    secondsLeft: 240,
    measured: [SMALL, LARGE],
  });
  for (;;) {
    const next = nextTrial(state());
    assert.ok(next !== null);
    if (next === 'wait') break;
    trials.push({ number: trials.length, draw: next.draw, status: 'running', reports: [], seconds: 0 });
  }
  assert.ok(trials.length >= 2);
  for (const [i, trial] of trials.entries())
    trials[i] = { ...trial, status: 'completed', reports: [{ epoch: 1, value: i / 10 }], seconds: 17 };
  const next = nextTrial(state());
  assert.ok(typeof next === 'object' && next !== null);
  assert.equal(next.draw.learning_rate, trials.at(-1)?.draw.learning_rate);
});

test("failed probes are passed over; when all fail, the portfolio's first is trained", () => {
  const job = jobOf('limits: {max_trials: 10, timeout_minutes: 4}');
  const trials: TriedTrial[] = [];
  const state = (): SearchState => ({ job, models: ['mobilenetv2'], trials, secondsLeft: 200, measured: [SMALL] });
  const drawn: Assignment[] = [];
  while (trials.length < 10) {
    const next = nextTrial(state());
    if (next === null || next === 'wait') break;
    drawn.push(next.draw);
    trials.push({ number: trials.length, draw: next.draw, status: 'failed', reports: [], seconds: 4 });
  }
  const last = drawn.at(-1);
  assert.equal(last?.model_name, 'mobilenetv2');
  assert.ok(Number(last?.number_of_epochs ?? 15) > 8, JSON.stringify(last));
});

test('nothing measured: models in their order, then refinements', () => {
  const job = jobOf('limits: {max_trials: 8}');
  const models = ['mobilenetv2', 'resnet18'];
  const state: SearchState = { job, models, trials: [], secondsLeft: 1e6, measured: [] };
  const next = nextTrial(state);
  assert.ok(typeof next === 'object');
  assert.deepEqual(next?.draw, { model_name: 'mobilenetv2' });
});

test('every configuration of every task can be trained', () => {
  for (const task of [
    'image_classification',
    'image_classification_multilabel',
    'image_object_detection',
    'image_instance_segmentation',
  ]) {
    const job = jobOf('limits: {max_trials: 8}', task);
    const models = runnableModels({}, job.task);
    assert.deepEqual(modelsToMeasure(job, models), models);
    const measured = models.map(
      (model): MeasuredModel => ({
        ...measuredModel(model),
        hyperparameters: trialHyperparameters(job, { model_name: model }) as unknown as Assignment,
      }),
    );
    const portfolio = portfolioOf({ job, models, trials: [], secondsLeft: 1e9, measured });
    assert.ok(portfolio.length >= 4);
    for (const { model, varied } of portfolio) trialHyperparameters(job, { model_name: model.model, ...varied });
    const played = play(job, { reaches: () => 0.5, measured: measured.slice(0, 3) });
    assert.equal(played.trials.length, 8);
  }
});

test('only AutoMode has models measured, and only the one that the job fixes', () => {
  const space =
    'sweep: {sampling_algorithm: random}\nsearch_space: [{model_name: resnet18}]\nlimits: {max_trials: 3}\n';
  assert.deepEqual(modelsToMeasure(jobOf(space), ['resnet18']), []);
  assert.deepEqual(modelsToMeasure(jobOf(''), ['resnet18']), []);
  const fixed = 'limits: {max_trials: 3}\ntraining_parameters: {model_name: resnet34}';
  assert.deepEqual(modelsToMeasure(jobOf(fixed), ['resnet18', 'resnet34']), ['resnet34']);
});
