import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemLogPath } from '@fovea/automl/runs';
import { onBothDatabases } from './fixtures/both-databases.ts';
import { drawnWorkspace, kill, processesOf } from './fixtures/drawn-workspace.ts';
import { hasEnded } from './records.ts';

const short = 'number_of_epochs: 2, early_stopping: false';
const sweep = (name: string, trials: number, concurrent = 1) => `name: ${name}
limits: {max_trials: ${trials}, max_concurrent_trials: ${concurrent}}
sweep: {sampling_algorithm: random}
search_space: [{learning_rate: {type: uniform, min_value: 0.0005, max_value: 0.003}}]
`;
const orchestrator = fileURLToPath(new URL('./orchestrator/main.ts', import.meta.url));

/** Times that processes began to work on a trial. */
const beginnings = (trialFolder: string): number =>
  readFileSync(systemLogPath(trialFolder), 'utf8').match(/ begin: /g)?.length ?? 0;

onBothDatabases('two orchestrators share the jobs, and no trial runs twice', async ({ address }, t) => {
  const { workspace, submit, home, processes, store } = await drawnWorkspace(t, { database: address.database });
  const env = { ...process.env, FOVEA_DATABASE: address.database };
  const both = [1, 2].map(() => spawn(process.execPath, [orchestrator, home, '2'], { env, stdio: 'ignore' }));
  while ((await store.processes.list()).length < 2) await new Promise((resolve) => setTimeout(resolve, 50));
  const jobs = ['one', 'two', 'three'];
  for (const name of jobs) await submit({ parameters: short, more: sweep(name, 2, 2) });
  const records = await Promise.all(jobs.map((name) => workspace.watch(name, { onEvent: () => {} })));
  for (const { name, status, trials } of records) {
    assert.equal(status, 'Completed', name);
    assert.deepEqual(
      trials.map(({ number, status }) => [number, status]),
      [
        [0, 'Completed'],
        [1, 'Completed'],
      ],
    );
    for (const trial of trials) assert.equal(beginnings(workspace.trialFolder(trial.name)), 1, trial.name);
  }
  assert.deepEqual(await store.computes.held({ compute: (await store.computes.list())[0].name }), []);
  await Promise.all(both.map((child) => child.exitCode ?? once(child, 'exit')));
  assert.deepEqual(processes(), [], 'they end when there is nothing to do');
  assert.deepEqual(await store.processes.list(), []);
});

test('a wall clock that jumps about takes no trial from its process', async (t) => {
  const clock = fileURLToPath(new URL('./fixtures/jumping-clock.mjs', import.meta.url));
  process.env.NODE_OPTIONS = `--import=${clock}`;
  t.after(() => {
    delete process.env.NODE_OPTIONS;
  });
  const { workspace, submit } = await drawnWorkspace(t);
  await submit({ parameters: 'number_of_epochs: 60, early_stopping: false', more: `${sweep('jumping', 2, 2)}` });
  const record = await workspace.watch('jumping', { onEvent: () => {} });
  assert.equal(record.status, 'Completed', String(record.error));
  assert.ok(record.seconds_used > 1 && record.seconds_used < 120, String(record.seconds_used));
  for (const { name, attempts, epochs } of record.trials) {
    assert.equal(attempts, 1);
    assert.equal(epochs.length, 60);
    assert.equal(beginnings(workspace.trialFolder(name)), 1);
  }
});

test('a trial whose process dies again and again fails with what it last said', async (t) => {
  const { workspace, submit, home, store } = await drawnWorkspace(t);
  // As a fault in the engine would end it, always before its first epoch.
  const killing = setInterval(() => {
    for (const { kind, pid } of processesOf(home)) if (kind === 'trial') process.kill(pid, 'SIGABRT');
  }, 100);
  t.after(() => clearInterval(killing));
  await submit({ parameters: short, more: 'name: dying' });
  const record = await workspace.watch('dying', { onEvent: () => {} });
  assert.equal(record.status, 'Failed');
  assert.match(String(record.error), /killed by SIGABRT/);
  assert.match(String(record.error), /try 3 without one finished epoch/);
  assert.deepEqual(await store.computes.held({ trial: 'dying_HD_0' }), []);

  clearInterval(killing);
  await workspace.resume('dying');
  const again = await workspace.watch('dying', { onEvent: () => {} });
  assert.equal(again.status, 'Completed', String(again.error));
  assert.equal(again.error, undefined);
});

test('trials outlive the process that started them, and call for another', async (t) => {
  const { workspace, submit, processes, store } = await drawnWorkspace(t);
  await submit({ parameters: short, more: sweep('alone', 2) });
  while ((await store.trials.ofJob('alone'))[0]?.status !== 'Running') await new Promise((r) => setTimeout(r, 20));
  for (const { kind, pid } of processes()) if (kind === 'orchestrator') kill(pid);
  // Nobody watches.
  for (;;) {
    const job = await store.jobs.find('alone');
    if (job && hasEnded(job.status)) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const record = await workspace.job('alone');
  assert.equal(record?.status, 'Completed');
  for (const { name } of record.trials) assert.equal(beginnings(workspace.trialFolder(name)), 1);
});

test('a folder that cannot be written fails the job with its name, and made writable, the job goes on', async (t) => {
  let folder = '';
  const { workspace, submit } = await drawnWorkspace(t, {
    prepare: () => () => folder && spawnSync('umount', ['--lazy', folder]),
  });
  await submit({ parameters: 'number_of_epochs: 1000, early_stopping: false', more: 'name: first' });
  await submit({ parameters: short, more: 'name: second' });
  folder = workspace.jobFolder('second');
  if (spawnSync('mount', ['--bind', folder, folder]).status !== 0) return t.skip('nothing can be mounted here');
  assert.equal(spawnSync('mount', ['-o', 'remount,ro,bind', folder]).status, 0);
  await workspace.cancel('first');
  const record = await workspace.watch('second', { onEvent: () => {} });
  assert.equal(record.status, 'Failed');
  assert.match(String(record.error), /read-only file system.*jobs\/second\/second_HD_0/);
  spawnSync('umount', [folder]);
  await workspace.resume('second');
  const again = await workspace.watch('second', { onEvent: () => {} });
  assert.equal(again.status, 'Completed', String(again.error));
});

for (const filled of ['by the trial', 'to the last byte'] as const) {
  test(`a disk that is full, ${filled}, does no harm that room does not mend`, async (t) => {
    let mounted = false;
    const { workspace, submit, home } = await drawnWorkspace(t, {
      prepare(home) {
        mkdirSync(home);
        // The best weights of a ResNet-18 fit once, the checkpoint beside them does not.
        mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=100m', 'tmpfs', home]).status === 0;
        return () => mounted && spawnSync('umount', ['--lazy', home]);
      },
    });
    if (!mounted) return t.skip('a small file system cannot be mounted here');
    const job = { model: 'resnet18', parameters: short, more: 'name: big' };
    await submit(job);
    const ballast = join(home, 'ballast');
    if (filled === 'to the last byte') {
      await new Promise((resolve) => setTimeout(resolve, 300));
      spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4096']);
      setTimeout(() => rmSync(ballast, { force: true }), 8000);
    }
    const record = await workspace.watch('big', { onEvent: () => {} });
    assert.equal(record.status, 'Failed');
    assert.match(String(record.error), /no space left/i);
    assert.deepEqual(
      readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((path) => /\.tmp$/.test(path)),
      [],
    );

    assert.equal(spawnSync('mount', ['-o', 'remount,size=600m', home]).status, 0);
    await workspace.resume('big');
    const again = await workspace.watch('big', { onEvent: () => {} });
    assert.equal(again.status, 'Completed', String(again.error));
    assert.equal(again.trials[0].epochs.length, 2);
  });
}
