import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { RunEvent } from '@fovea/automl/runs';
import { onBothDatabases } from './fixtures/both-databases.ts';
import { drawnJob, drawnWorkspace } from './fixtures/drawn-workspace.ts';

const short = 'number_of_epochs: 2, early_stopping: false';
const long = 'number_of_epochs: 1000, early_stopping: false';

onBothDatabases('a job runs in processes of its own, and whoever watches sees all of it', async ({ address }, t) => {
  const { workspace, submit } = await drawnWorkspace(t, { database: address.database });
  const queued = await submit({ parameters: short, more: 'name: seen\ntags: {of: mine}' });
  assert.equal(queued.status, 'Queued');

  const seen: [RunEvent, string | null][] = [];
  const record = await workspace.watch('seen', { onEvent: (event, trial) => seen.push([event, trial]) });
  assert.equal(record.status, 'Completed', String(record.error));
  assert.equal(record.best_trial, 'seen_HD_0');
  assert.deepEqual(record.tags, { of: 'mine', automl_best_child_run_id: 'seen_HD_0' });
  assert.equal(record.model, join(workspace.jobFolder('seen'), 'outputs', 'mlflow-model'));
  const [trial] = record.trials;
  assert.equal(trial.status, 'Completed');
  assert.deepEqual(
    trial.epochs.map(({ epoch }) => epoch),
    [1, 2],
  );
  assert.deepEqual(record.metrics, trial.epochs[(record.best_epoch as number) - 1].metrics);
  assert.ok(record.seconds_used > 0.5 && record.seconds_used < 60, String(record.seconds_used));

  const types = seen.map(([event]) => event.type);
  for (const type of ['trial', 'step', 'epoch', 'verified']) assert.ok(types.includes(type as RunEvent['type']), type);
  assert.ok(seen.every(([, from]) => from === 'seen_HD_0'));

  const late: RunEvent[] = [];
  await workspace.watch('seen', { onEvent: (event) => late.push(event) });
  assert.deepEqual(
    late,
    seen.map(([event]) => event).filter(({ type }) => type !== 'step'),
    'the late see it, too',
  );

  assert.deepEqual(
    (await workspace.metrics('seen_HD_0', { name: 'accuracy' })).map(({ step }) => step),
    [1, 2],
  );
  for (const { path, bytes, sha256 } of await workspace.artefacts('seen_HD_0')) {
    const content = readFileSync(join(workspace.trialFolder('seen_HD_0'), path));
    assert.equal(content.length, bytes);
    assert.equal(createHash('sha256').update(content).digest('hex'), sha256, path);
  }
  const paths = (await workspace.artefacts('seen_HD_0')).map(({ path }) => path);
  assert.ok(paths.includes('outputs/mlflow-model/MLmodel') && paths.includes('train_artifacts/model.onnx'));

  await workspace.update('seen', { tags: { of: 'ours' } });
  await workspace.archive('seen');
  assert.deepEqual(await workspace.jobs(), []);
  const [listed] = await workspace.jobs({ archived: 'all' });
  assert.deepEqual(
    { ...listed.tags, task: listed.task, archived: listed.archived, accuracy: listed.metrics.accuracy },
    {
      ...{ of: 'ours', task: 'image_classification', archived: true },
      accuracy: record.metrics.accuracy,
    },
  );
  await workspace.restore('seen');
  assert.equal((await workspace.jobs()).length, 1);
  await assert.rejects(workspace.resume('seen'), /completed/);
  await workspace.delete('seen');
  assert.equal(await workspace.job('seen'), null);
  assert.equal(await workspace.trial('seen_HD_0'), null);
  assert.equal(existsSync(workspace.jobFolder('seen')), false);
});

test('a canceled job is out within two seconds, keeps its best weights, and goes on from its last epoch', async (t) => {
  const { workspace, submit } = await drawnWorkspace(t);
  await submit({ parameters: long, more: 'name: stopped' });
  await assert.rejects(workspace.delete('stopped'), /only a job that has ended/);
  await seenEpoch(workspace, 'stopped', 2);
  const began = performance.now();
  assert.equal((await workspace.cancel('stopped')).status, 'CancelRequested');
  const record = await workspace.watch('stopped', { onEvent: () => {} });
  const milliseconds = performance.now() - began;
  t.diagnostic(`${Math.round(milliseconds)} ms`);
  assert.ok(milliseconds < 2000, `${milliseconds} ms`);
  assert.equal(record.status, 'Canceled');
  const [trial] = record.trials;
  assert.equal(trial.status, 'Canceled');
  assert.equal(trial.ended_because, 'the job was canceled');
  assert.ok(trial.best_epoch !== null && trial.metrics.accuracy >= 0);
  assert.equal(record.best_trial, trial.name);
  assert.equal(record.model, null, 'there is no model yet');
  const folder = workspace.trialFolder(trial.name);
  assert.ok(existsSync(join(folder, 'train_artifacts', 'checkpoint_best.safetensors')));
  assert.deepEqual(halfWritten(workspace.jobFolder('stopped')), []);

  const epochs = trial.epochs.length;
  assert.equal((await workspace.resume('stopped')).status, 'Queued');
  const first = await seenEpoch(workspace, 'stopped', epochs + 1);
  assert.ok(first > 1, 'it did not begin again');
  await workspace.cancel('stopped');
  const again = await workspace.watch('stopped', { onEvent: () => {} });
  assert.ok(again.trials[0].epochs.length > epochs);
});

test('a job that is canceled before it begins ends at once', async (t) => {
  const { workspace, submit } = await drawnWorkspace(t);
  await submit({ parameters: long, more: 'name: first' });
  await submit({ parameters: long, more: 'name: second' });
  await seenEpoch(workspace, 'first', 1);
  assert.equal((await workspace.job('second'))?.status, 'Queued', 'there is no room for it');
  const said: string[] = [];
  const began = performance.now();
  await workspace.cancel('second');
  const record = await workspace.watch('second', {
    onEvent: (event) => said.push('message' in event ? event.message : event.type),
  });
  assert.ok(performance.now() - began < 2000);
  assert.equal(record.status, 'Canceled');
  assert.match(said.join('\n'), /waits until there is room on this machine, where first is running/);
});

test('time that is up ends a job with what it has', async (t) => {
  const { workspace, submit, store } = await drawnWorkspace(t);
  await submit({
    parameters: long,
    more: 'name: late\nlimits: {timeout_minutes: 1, max_trials: 2}\nsweep: {sampling_algorithm: random}\nsearch_space: [{learning_rate: {type: uniform, min_value: 0.001, max_value: 0.002}}]',
  });
  // As if it had been running for a while.
  await store.jobs.patch('late', { seconds_used: 49 });
  const record = await workspace.watch('late', { onEvent: () => {} });
  assert.equal(record.status, 'Canceled');
  assert.equal(record.error, 'timeout_minutes: 1 was reached');
  assert.ok(record.seconds_used < 60, `${record.seconds_used} s: inside of its time`);
  assert.equal(record.trials.length, 1);
  assert.match(String(record.trials[0].ended_because), /time was up/);
  assert.ok(record.model !== null && existsSync(join(record.model, 'MLmodel')), 'the best so far is a model');
});

test('a job whose data is wrong, or whose name is taken, leaves nothing', async (t) => {
  const { workspace, folder, submit } = await drawnWorkspace(t);
  const picture = join(folder, 'images', 'disc', '3.png');
  renameSync(picture, `${picture}.kept`);
  writeFileSync(picture, 'no picture');
  await assert.rejects(submit({ more: 'name: wrong' }), { name: 'IssuesError' });
  assert.equal(await workspace.job('wrong'), null);
  assert.equal(existsSync(workspace.jobFolder('wrong')), false);
  renameSync(`${picture}.kept`, picture);

  await submit({ parameters: long, more: 'name: right' });
  await assert.rejects(submit({ parameters: long, more: 'name: right' }), /There is a job called right already/);
  assert.equal((await workspace.job('right'))?.name, 'right');
  assert.ok(existsSync(join(workspace.jobFolder('right'), 'data', 'split.json')));
});

test('of a submission that was killed nothing is left, and its name is free', async (t) => {
  const { workspace, folder, home, store, submit } = await drawnWorkspace(t);
  const program = fileURLToPath(new URL('./fixtures/submit-killed.ts', import.meta.url));
  const submitKilled = (name: string) => spawnSync(process.execPath, [program, folder, home, name]).signal;
  assert.equal(submitKilled('twice'), 'SIGKILL');
  assert.equal((await submit({ parameters: short, more: 'name: twice' })).status, 'Queued');

  assert.equal(submitKilled('once'), 'SIGKILL');
  const began = performance.now();
  while ((await store.jobs.find('once')) !== null && performance.now() - began < 10_000) await wait(50);
  assert.equal(await store.jobs.find('once'), null, 'whoever works on jobs removes it');
  assert.equal(existsSync(workspace.jobFolder('once')), false);
  assert.equal((await workspace.watch('twice', { onEvent: () => {} })).status, 'Completed');
});

test('a submission that is stopped leaves nothing', async (t) => {
  const { workspace, folder } = await drawnWorkspace(t);
  const stopping = new AbortController();
  const options = { baseFolder: folder, weights: 'none', signal: stopping.signal };
  const submission = workspace.submit(drawnJob({ more: 'name: stopped' }), {
    ...options,
    onEvent: ({ type }) => type === 'phase' && stopping.abort(new Error('enough')),
  });
  await assert.rejects(submission, /enough/);
  assert.equal(await workspace.job('stopped'), null);
  assert.equal(existsSync(workspace.jobFolder('stopped')), false);
});

type Workspace = Awaited<ReturnType<typeof drawnWorkspace>>['workspace'];

/** Waits for an epoch of a job's only trial. @returns the first epoch that was trained meanwhile */
async function seenEpoch(workspace: Workspace, job: string, epoch: number): Promise<number> {
  const enough = new AbortController();
  let first = Number.POSITIVE_INFINITY;
  await workspace.watch(job, {
    onEvent: (event) => {
      if (event.type === 'step') first = Math.min(first, event.epoch);
      if (event.type === 'epoch' && event.epoch >= epoch) enough.abort();
    },
    signal: enough.signal,
  });
  await wait(0);
  return first;
}

const halfWritten = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => /\.(tmp|old)$/.test(path));
