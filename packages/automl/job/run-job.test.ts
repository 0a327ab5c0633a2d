import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { IssuesError } from '@fovea/data';
import { noGrad, writeSafetensors } from '@fovea/torch';
import { createModel } from '@fovea/vision';
import { drawnJob, drawPictures } from '../fixtures/drawn-job.ts';
import { readModelFolder } from '../model-folder/index.ts';
import type { RunEvent } from './events.ts';
import { listJobs, readJob } from './job-record.ts';
import { isJobAlive, resumeJob, runJob } from './run-job.ts';

let folder: string;
let workspace: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fovea-job-'));
  workspace = join(folder, 'workspace');
  await drawPictures(folder);
});
after(() => rmSync(folder, { recursive: true, force: true }));

const options = () => ({ workspace, baseFolder: folder, weights: 'none' });

/** Metrics that must be the same again; speed may not be. */
const numbers = (epochs: { metrics: Record<string, number> }[]) =>
  epochs.map(({ metrics: { images_per_second: _, data_wait_fraction: __, ...rest } }) => rest);

test('a job trains, and leaves a record, a model folder, metrics and a log', async () => {
  const events: RunEvent[] = [];
  const record = await runJob(drawnJob({ parameters: 'number_of_epochs: 4, checkpoint_frequency: 2' }), {
    ...options(),
    onEvent: (event) => events.push(event),
  });
  assert.equal(record.status, 'Completed');
  assert.equal(record.trials.length, 1);
  assert.deepEqual(readJob(workspace, record.name), JSON.parse(JSON.stringify(record)));
  assert.ok(listJobs(workspace).some(({ name }) => name === record.name));
  assert.equal(isJobAlive(workspace, record.name), false);

  const [trial] = record.trials;
  const trialFolder = join(workspace, 'jobs', record.name, `${record.name}_HD_0`);
  assert.equal(trial.epochs.length, 4);
  assert.equal(record.metrics.accuracy, Math.max(...trial.epochs.map(({ metrics }) => metrics.accuracy)));
  assert.match(trial.properties.precision, /^(bf16|fp32)/);
  assert.equal(readFileSync(join(trialFolder, 'metrics.jsonl'), 'utf8').trim().split('\n').length, 4);
  assert.match(readFileSync(join(trialFolder, 'user_logs/std_log.txt'), 'utf8'), /epoch 4\/4 accuracy/);
  for (const file of ['labels.json', 'model.onnx', 'confusion_matrix.json', 'checkpoint_epoch_2.safetensors']) {
    assert.ok(readFileSync(join(trialFolder, 'train_artifacts', file)).length > 0, file);
  }
  const matrix = JSON.parse(readFileSync(join(trialFolder, 'train_artifacts/confusion_matrix.json'), 'utf8'));
  assert.deepEqual(matrix.data.class_labels, ['disc', 'square']);
  assert.equal(
    matrix.data.matrix.flat().reduce((a: number, b: number) => a + b),
    6,
  );

  const model = await readModelFolder(record.model as string);
  assert.deepEqual(model.labels, ['disc', 'square']);
  const verified = events.find((event) => event.type === 'verified');
  assert.ok(verified && 'maxAbsDifference' in verified && verified.maxAbsDifference < 1e-3);
  assert.equal(events.filter(({ type }) => type === 'epoch').length, 4);
  assert.equal(events.at(-1)?.type, 'done');
});

test('a multi-label job trains to a model that says each label by itself', async () => {
  const lines = ['disc', 'square'].flatMap((shape) =>
    Array.from({ length: 15 }, (_, i) => {
      const label = [shape, ...(shape === 'disc' ? ['dark'] : []), ...(i % 5 === 0 ? ['fifth'] : [])];
      return JSON.stringify({ image_url: `images/${shape}/${i}.png`, label: i === 14 ? [] : label });
    }),
  );
  writeFileSync(join(folder, 'labels.jsonl'), `${lines.join('\n')}\n`);
  const task = 'image_classification_multilabel';
  const job = drawnJob({
    task,
    data: 'labels.jsonl',
    parameters: 'number_of_epochs: 4, weighted_loss: 1, optimizer: adamw, learning_rate: 0.002',
  });
  const record = await runJob(job, options());
  assert.equal(record.status, 'Completed', String(record.error));
  assert.equal(record.primary_metric, 'iou');
  for (const name of ['iou', 'iou_macro', 'accuracy', 'f1_score_micro', 'log_loss', 'valid_loss'])
    assert.ok(name in record.metrics, name);
  const model = await readModelFolder(record.model as string);
  assert.deepEqual([model.task, model.labels, model.threshold], [task, ['dark', 'disc', 'fifth', 'square'], 0.5]);
  const artifacts = join(workspace, 'jobs', record.name, `${record.name}_HD_0`, 'train_artifacts');
  const matrices = JSON.parse(readFileSync(join(artifacts, 'confusion_matrix.json'), 'utf8'));
  assert.equal(matrices.data.matrices.length, 4);
  assert.match(readFileSync(join(artifacts, 'report.html'), 'utf8'), /fifth/);
});

test('a job that was interrupted goes on to the very same numbers', async () => {
  const parameters = 'number_of_epochs: 5, early_stopping: false';
  const whole = await runJob(drawnJob({ parameters, more: 'name: whole' }), options());
  const stop = new AbortController();
  const cut = await runJob(drawnJob({ parameters, more: 'name: cut' }), {
    ...options(),
    signal: stop.signal,
    onEvent: (event) => {
      if (event.type === 'step' && event.epoch === 3 && event.step === 2) stop.abort();
    },
  });
  assert.equal(cut.status, 'Canceled');
  assert.equal(cut.trials[0].epochs.length, 2);
  const resumed = await resumeJob('cut', { workspace });
  assert.equal(resumed.status, 'Completed');
  assert.deepEqual(numbers(resumed.trials[0].epochs), numbers(whole.trials[0].epochs));
  await assert.rejects(resumeJob('cut', { workspace }), /completed/);
  await assert.rejects(resumeJob('nobody', { workspace }), /no job called nobody/);
});

test('a sweep trains a model for each draw and keeps the best', async () => {
  const record = await runJob(
    drawnJob({
      parameters: 'number_of_epochs: 1',
      more: `limits: {max_trials: 3}
sweep: {sampling_algorithm: grid, early_termination: {type: bandit, slack_factor: 0.1}}
search_space: [{learning_rate: {type: choice, values: [0.0001, 0.01]}}]
`,
    }),
    options(),
  );
  assert.deepEqual(
    record.trials.map(({ hyperparameters, status }) => [hyperparameters.learning_rate, status]),
    [
      [0.0001, 'Completed'],
      [0.01, 'Completed'],
    ],
  );
  assert.equal(record.tags.automl_best_child_run_id, record.best_trial);
  const best = record.trials.find(({ name }) => name === record.best_trial);
  assert.equal(best?.metrics.accuracy, Math.max(...record.trials.map(({ metrics }) => metrics.accuracy)));
});

test('a loss that is not a number fails the trial, with the step, the learning rate and the files', async () => {
  const model = createModel('resnet18', { classes: 1000 });
  noGrad(() => model.stateDict().get('conv1.weight')?.fill_(Number.NaN));
  const weights = join(folder, 'broken.safetensors');
  await writeSafetensors(weights, model.stateDict());
  const record = await runJob(drawnJob({ parameters: 'number_of_epochs: 1' }), { ...options(), weights });
  assert.equal(record.status, 'Failed');
  assert.match(record.error as string, /the loss became NaN at step 1 with a learning rate of 0/);
  assert.match(record.error as string, /images.(disc|square).\d+\.png/);
});

test('bad data is reported before anything is started', async () => {
  writeFileSync(join(folder, 'images', 'disc', 'broken.png'), 'not a picture');
  const job = drawnJob({ parameters: 'number_of_epochs: 1', more: 'name: never' });
  await assert.rejects(
    runJob(job, options()),
    (error: Error) => error instanceof IssuesError && /broken\.png/.test(error.message),
  );
  assert.equal(readJob(workspace, 'never'), null);
  rmSync(join(folder, 'images', 'disc', 'broken.png'));
});

test('the same job trains to the same numbers with any number of workers', async () => {
  const run = async (workers: number) =>
    numbers(
      (await runJob(drawnJob({ parameters: `number_of_epochs: 1, number_of_workers: ${workers}` }), options()))
        .trials[0].epochs,
    );
  assert.deepEqual(await run(3), await run(0));
});
