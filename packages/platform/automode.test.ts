import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { drawnWorkspace, kill, type WorkspaceProcess } from './fixtures/drawn-workspace.ts';

const automode = (name: string) => ({
  parameters: 'number_of_epochs: 1, early_stopping: false',
  more: `name: ${name}\nlimits: {max_trials: 2}`,
});

async function measuring(processes: () => WorkspaceProcess[]): Promise<number> {
  for (;;) {
    const found = processes().find(({ kind }) => kind === 'measuring');
    if (found) return found.pid;
    await wait(20);
  }
}

test('models are timed before the first trial, once more when that is killed, and every choice has its reason', async (t) => {
  const { workspace, submit, processes, store } = await drawnWorkspace(t);
  await submit(automode('chosen'));
  const said: string[] = [];
  const ending = workspace.watch('chosen', {
    onEvent: (event, trial) => trial === null && said.push('message' in event ? event.message : event.type),
  });
  const first = await measuring(processes);
  kill(first);
  while ((await measuring(processes)) === first) await wait(20);
  const record = await ending;
  assert.equal(record.status, 'Completed', String(record.error));
  assert.match(said.join('\n'), /timing mobilenetv2\n.*mobilenetv2: .* an epoch/);
  const measured = (await store.jobs.find('chosen'))?.measured as { model: string; fits: boolean }[];
  assert.deepEqual(
    measured.map(({ model, fits }) => [model, fits]),
    [['mobilenetv2', true]],
  );
  assert.deepEqual(
    record.trials.map(({ status }) => status),
    ['Completed', 'Completed'],
  );
  for (const { chosen_because } of record.trials) assert.match(chosen_because, /mobilenetv2/);
});

test('a job is canceled while its models are timed', async (t) => {
  const { workspace, submit, processes } = await drawnWorkspace(t);
  await submit(automode('canceled'));
  await measuring(processes);
  const began = performance.now();
  await workspace.cancel('canceled');
  const record = await workspace.watch('canceled', { onEvent: () => {} });
  assert.equal(record.status, 'Canceled');
  assert.ok(performance.now() - began < 2000, `${performance.now() - began} ms`);
  assert.deepEqual(
    processes().filter(({ kind }) => kind === 'measuring'),
    [],
  );
});

test('timing ends with the process that asked for it, and the next one begins anew', async (t) => {
  const { workspace, submit, processes } = await drawnWorkspace(t);
  await submit(automode('orphan'));
  const first = await measuring(processes);
  for (const { kind, pid } of processes()) if (kind === 'orchestrator') kill(pid);
  while (processes().some(({ pid }) => pid === first)) await wait(20);
  const record = await workspace.watch('orphan', { onEvent: () => {} });
  assert.equal(record.status, 'Completed', String(record.error));
});
