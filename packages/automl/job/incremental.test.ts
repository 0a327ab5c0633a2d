import assert from 'node:assert/strict';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { drawnJob, drawPictures } from '../fixtures/drawn-job.ts';
import { runHere } from '../fixtures/run-here.ts';
import type { FindRun } from '../trainer/earlier-checkpoint.ts';
import type { RunEvent } from './events.ts';

let folder: string;
let workspace: string;
let first: Awaited<ReturnType<typeof runHere>>;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fovea-incremental-'));
  workspace = join(folder, 'workspace');
  await drawPictures(folder);
  const job = drawnJob({ parameters: 'number_of_epochs: 4', more: 'name: first' });
  first = await runHere(job, { workspace, baseFolder: folder, weights: 'none' });
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** What a workspace with that one job says. */
const findRun: FindRun = async (name) => {
  if (name === 'first') return { kind: 'job', bestTrial: first.name };
  if (name === first.name)
    return { kind: 'trial', task: 'image_classification', status: first.status, folder: first.folder };
  return null;
};

let jobs = 0;

/** A job of one epoch with so small a learning rate that what it began with is what it ends with. */
async function goOn(parameters: string, options: { data?: string; model?: string; task?: string } = {}) {
  const said: string[] = [];
  const job = drawnJob({ ...options, parameters: `number_of_epochs: 1, learning_rate: 1.0e-12, ${parameters}` });
  const record = await runHere(
    { ...job, name: `other_${jobs++}` },
    {
      workspace,
      baseFolder: folder,
      findRun,
      onEvent: (event: RunEvent) => event.type === 'log' && said.push(event.message),
    },
  );
  return { record, said: said.join('\n') };
}

const best = () => first.name;

test('a finished trial goes on with all its weights where the classes are the same', async () => {
  const { record, said } = await goOn(`checkpoint_run_id: ${best()}`);
  assert.equal(record.status, 'Completed');
  assert.ok(record.metrics.accuracy >= first.metrics.accuracy - 0.2, `${record.metrics.accuracy}`);
  assert.ok(Math.abs(record.metrics.valid_loss - first.metrics.valid_loss) < 0.2);
  assert.match(said, new RegExp(`starts from trial ${best()}, with its head, for it has the same classes`));
  assert.equal(record.properties.weights, `trial ${best()}`);
});

test('for other classes the head begins anew, also for as many of them', async () => {
  cpSync(join(folder, 'images', 'disc'), join(folder, 'renamed', 'round'), { recursive: true });
  cpSync(join(folder, 'images', 'square'), join(folder, 'renamed', 'angular'), { recursive: true });
  const { said } = await goOn(`checkpoint_run_id: ${best()}`, { data: 'renamed' });
  assert.match(said, /its classes are others, so the head begins anew/);
});

test('a checkpoint file in a folder goes on too', async () => {
  mkdirSync(join(folder, 'kept'));
  copyFileSync(
    join(first.folder, 'train_artifacts', 'checkpoint_best.safetensors'),
    join(folder, 'kept', 'old.safetensors'),
  );
  const { record } = await goOn('checkpoint_dataset_id: kept, checkpoint_filename: old.safetensors');
  assert.ok(Math.abs(record.metrics.valid_loss - first.metrics.valid_loss) < 0.2);
});

test('what cannot be started from is said before anything is trained', async () => {
  const refusals: [string, RegExp, { task?: string }?][] = [
    ['checkpoint_run_id: nobody_HD_0', /there is no trial called nobody_HD_0 in this workspace; fovea job list/],
    ['checkpoint_run_id: first', /first is a job; training starts from one of its trials; its best one is first_HD_0/],
    ['checkpoint_run_id: first_HD_7', /there is no trial called first_HD_7/],
    ['checkpoint_dataset_id: kept, checkpoint_filename: none.pt', /there is no none\.pt in .*kept/],
    ['checkpoint_dataset_id: kept, checkpoint_filename: ../images', /\.\.\/images is not inside of kept/],
    ['checkpoint_dataset_id: "azureml:x:1", checkpoint_filename: a.pt', /azureml:x:1 is not on this machine/],
    [
      `checkpoint_run_id: first_HD_0, checkpoint_dataset_id: kept, checkpoint_filename: old.safetensors`,
      /only one of them/,
    ],
  ];
  for (const [parameters, message] of refusals) await assert.rejects(goOn(parameters), message, parameters);
  await assert.rejects(
    runHere(drawnJob({ parameters: `checkpoint_run_id: ${best()}` }), {
      ...{ workspace, baseFolder: folder, findRun, weights: 'none' },
    }),
    /starts from trial first_HD_0, and other weights are named/,
  );
});

test('another model fails the trial with the name of the one that fits', async () => {
  const { record } = await goOn(`checkpoint_run_id: ${best()}`, { model: 'resnet34' });
  assert.equal(record.status, 'Failed');
  assert.match(record.error as string, /is of resnet18, and this trial trains resnet34[\s\S]*model_name: resnet18/);
});
