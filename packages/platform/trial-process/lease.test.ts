import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { onPostgres } from '../fixtures/both-databases.ts';
import { drawnWorkspace, kill } from '../fixtures/drawn-workspace.ts';
import type { Store, TrialRow } from '../store/index.ts';
import { eventFiles } from '../watch/event-files.ts';

const long = 'number_of_epochs: 1000, early_stopping: false';

async function until(store: Store, trial: string, holds: (row: TrialRow) => boolean): Promise<TrialRow> {
  for (;;) {
    const row = await store.trials.find(trial);
    if (row !== null && holds(row)) return row;
    await wait(30);
  }
}

test('a process that loses its trial ends at once, and writes nothing any more', async (t) => {
  const { workspace, store, submit, processes } = await drawnWorkspace(t);
  await submit({ parameters: long, more: 'name: lost' });
  const held = await until(store, 'lost_HD_0', ({ best_epoch }) => best_epoch !== null);
  // Another takes the trial while its process is well: a machine that was cut off for a while.
  for (const { kind, pid } of processes()) if (kind === 'orchestrator') kill(pid);
  const now = (await store.trials.find('lost_HD_0')) as TrialRow;
  while (!(await store.trials.takeOver('lost_HD_0', now, 'another/machine:1:1:x'))) {
    Object.assign(now, await store.trials.find('lost_HD_0'));
  }
  const taken = (await store.trials.find('lost_HD_0')) as TrialRow;
  const began = performance.now();
  while (processes().some(({ kind }) => kind === 'trial')) await wait(30);
  assert.ok(performance.now() - began < 2000, `${performance.now() - began} ms`);
  assert.deepEqual(await store.trials.find('lost_HD_0'), taken);
  assert.equal(taken.attempts, held.attempts);
  const log = join(workspace.trialFolder('lost_HD_0'), 'system_logs', 'machine.log');
  assert.equal(/ end: /.test(readFileSync(log, 'utf8')), false);
  assert.ok(statSync(eventFiles(workspace.trialFolder('lost_HD_0')).events).size > 0);
});

onPostgres('a job outlives its database, which is started again under it', async ({ address, crash }, t) => {
  const { workspace, store, submit } = await drawnWorkspace(t, { database: address.database });
  await submit({ parameters: 'number_of_epochs: 30, early_stopping: false', more: 'name: firm' });
  await until(store, 'firm_HD_0', ({ best_epoch }) => best_epoch !== null);
  await crash();
  const record = await workspace.watch('firm', { onEvent: () => {} });
  assert.equal(record.status, 'Completed', String(record.error));
  assert.equal(record.trials[0].epochs.length, 30);
  assert.equal(record.trials[0].attempts, 1, 'nothing was begun again');
});
