import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { IssuesError } from '@fovea/data';
import { noGrad, writeSafetensors } from '@fovea/torch';
import { createModel } from '@fovea/vision';
import { drawnJob, drawPictures } from '../fixtures/drawn-job.ts';
import { runHere } from '../fixtures/run-here.ts';
import { readModelFolder } from '../model-folder/index.ts';
import { modelFolderOf } from '../trainer/trial-paths.ts';
import type { RunEvent } from './events.ts';
import { trialLogPath } from './trial-log.ts';

let folder: string;
let workspace: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fovea-job-'));
  workspace = join(folder, 'workspace');
  await drawPictures(folder);
});
after(() => rmSync(folder, { recursive: true, force: true }));

const options = () => ({ workspace, baseFolder: folder, weights: 'none' });
const job = (name: string, given: Parameters<typeof drawnJob>[0]) => ({ ...drawnJob(given), name });

/** Metrics that must be the same again; speed may not be. */
const numbers = (epochs: { metrics: Record<string, number> }[]) =>
  epochs.map(({ metrics: { images_per_second: _, data_wait_fraction: __, ...rest } }) => rest);

test('a trial trains, and leaves a record, a model folder, metrics and a log', async () => {
  const events: RunEvent[] = [];
  const parameters = 'number_of_epochs: 4, checkpoint_frequency: 2';
  const trial = await runHere(job('first', { parameters }), { ...options(), onEvent: (event) => events.push(event) });
  assert.equal(trial.status, 'Completed');
  assert.equal(trial.epochs.length, 4);
  assert.equal(trial.metrics.accuracy, Math.max(...trial.epochs.map(({ metrics }) => metrics.accuracy)));
  assert.match(trial.properties.precision, /^(bf16|fp32)/);
  assert.equal(readFileSync(join(trial.folder, 'metrics.jsonl'), 'utf8').trim().split('\n').length, 4);
  assert.match(readFileSync(trialLogPath(trial.folder), 'utf8'), /epoch 4\/4 accuracy/);
  for (const file of ['labels.json', 'model.onnx', 'confusion_matrix.json', 'checkpoint_epoch_2.safetensors']) {
    assert.ok(readFileSync(join(trial.folder, 'train_artifacts', file)).length > 0, file);
  }
  const matrix = JSON.parse(readFileSync(join(trial.folder, 'train_artifacts/confusion_matrix.json'), 'utf8'));
  assert.deepEqual(matrix.data.class_labels, ['disc', 'square']);
  assert.equal(
    matrix.data.matrix.flat().reduce((a: number, b: number) => a + b),
    6,
  );

  const model = await readModelFolder(modelFolderOf(trial.folder));
  assert.deepEqual(model.labels, ['disc', 'square']);
  const verified = events.find((event) => event.type === 'verified');
  assert.ok(verified && 'maxAbsDifference' in verified && verified.maxAbsDifference < 1e-3);
  assert.equal(events.filter(({ type }) => type === 'epoch').length, 4);
});

test('a multi-label trial trains to a model that says each label by itself', async () => {
  const lines = ['disc', 'square'].flatMap((shape) =>
    Array.from({ length: 15 }, (_, i) => {
      const label = [shape, ...(shape === 'disc' ? ['dark'] : []), ...(i % 5 === 0 ? ['fifth'] : [])];
      return JSON.stringify({ image_url: `images/${shape}/${i}.png`, label: i === 14 ? [] : label });
    }),
  );
  writeFileSync(join(folder, 'labels.jsonl'), `${lines.join('\n')}\n`);
  const task = 'image_classification_multilabel';
  const several = job('several', {
    task,
    data: 'labels.jsonl',
    parameters: 'number_of_epochs: 4, weighted_loss: 1, optimizer: adamw, learning_rate: 0.002',
  });
  const trial = await runHere(several, options());
  assert.equal(trial.status, 'Completed', String(trial.error));
  for (const name of ['iou', 'iou_macro', 'accuracy', 'f1_score_micro', 'log_loss', 'valid_loss'])
    assert.ok(name in trial.metrics, name);
  const model = await readModelFolder(modelFolderOf(trial.folder));
  assert.deepEqual([model.task, model.labels, model.threshold], [task, ['dark', 'disc', 'fifth', 'square'], 0.5]);
  const artifacts = join(trial.folder, 'train_artifacts');
  const matrices = JSON.parse(readFileSync(join(artifacts, 'confusion_matrix.json'), 'utf8'));
  assert.equal(matrices.data.matrices.length, 4);
  assert.match(readFileSync(join(artifacts, 'report.html'), 'utf8'), /fifth/);
});

test('a trial that was interrupted goes on to the very same numbers', async () => {
  const parameters = 'number_of_epochs: 5, early_stopping: false';
  const whole = await runHere(job('whole', { parameters }), options());
  const stop = new AbortController();
  const cut = await runHere(job('cut', { parameters }), {
    ...options(),
    signal: stop.signal,
    onEvent: (event) => {
      if (event.type === 'step' && event.epoch === 3 && event.step === 2) stop.abort();
    },
  });
  assert.equal(cut.status, 'Canceled');
  assert.equal(cut.epochs.length, 2);
  const resumed = await runHere(job('cut', { parameters }), options());
  assert.equal(resumed.status, 'Completed');
  assert.deepEqual(numbers(resumed.epochs), numbers(whole.epochs));
});

test('a loss that is not a number fails the trial, with the step, the learning rate and the files', async () => {
  const model = createModel('resnet18', { classes: 1000 });
  noGrad(() => model.stateDict().get('conv1.weight')?.fill_(Number.NaN));
  const weights = join(folder, 'broken.safetensors');
  await writeSafetensors(weights, model.stateDict());
  const trial = await runHere(job('broken', { parameters: 'number_of_epochs: 1' }), { ...options(), weights });
  assert.equal(trial.status, 'Failed');
  assert.match(trial.error as string, /the loss became NaN at step 1 with a learning rate of 0/);
  assert.match(trial.error as string, /images.(disc|square).\d+\.png/);
});

test('bad data is reported before anything is started', async () => {
  writeFileSync(join(folder, 'images', 'disc', 'broken.png'), 'not a picture');
  await assert.rejects(
    runHere(job('never', { parameters: 'number_of_epochs: 1' }), options()),
    (error: Error) => error instanceof IssuesError && /broken\.png/.test(error.message),
  );
  assert.equal(existsSync(join(workspace, 'jobs', 'never')), false);
  rmSync(join(folder, 'images', 'disc', 'broken.png'));
});

test('the same job trains to the same numbers with any number of workers', async () => {
  const run = async (workers: number) => {
    const parameters = `number_of_epochs: 1, number_of_workers: ${workers}`;
    return numbers((await runHere(job(`workers_${workers}`, { parameters }), options())).epochs);
  };
  assert.deepEqual(await run(3), await run(0));
});
