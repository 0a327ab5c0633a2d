import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunEvent } from '@fovea/automl/runs';
import { drawnWorkspace } from '../fixtures/drawn-workspace.ts';
import { putNamedCompute, setStopped } from './named-compute.ts';

const parameters = 'number_of_epochs: 1, early_stopping: false';

test('jobs run no more trials at a time than their compute has instances, and none while it is stopped', async (t) => {
  const { workspace, store, submit } = await drawnWorkspace(t);
  await putNamedCompute(store, { name: 'narrow', type: 'AmlCompute', maxInstances: 1 });
  await putNamedCompute(store, { name: 'asleep', type: 'ComputeInstance' });
  await setStopped(store, 'asleep', true);
  const sweep = `limits: {max_trials: 2, max_concurrent_trials: 2}
sweep: {sampling_algorithm: random}
search_space: [{learning_rate: {type: uniform, min_value: 0.0005, max_value: 0.003}}]
`;
  await submit({ parameters, more: `name: waits\ncompute: asleep\n` });
  await submit({ parameters, more: `name: wide\ncompute: azureml:narrow\n${sweep}` });
  await submit({ parameters, more: `name: other\ncompute: narrow\n` });

  const said: string[] = [];
  const { promise: told, resolve } = Promise.withResolvers<void>();
  const waiting = workspace.watch('waits', {
    onEvent(event: RunEvent) {
      if (event.type !== 'log') return;
      said.push(event.message);
      if (/until asleep is started: fovea compute start/.test(event.message)) resolve();
    },
  });
  const ended = await Promise.all(['wide', 'other'].map((name) => workspace.watch(name, { onEvent() {} })));
  for (const { name, status, error } of ended) assert.equal(status, 'Completed', `${name}: ${error}`);
  const times = ended
    .flatMap(({ trials }) => trials)
    .map(({ start_time, end_time }) => [Date.parse(start_time ?? ''), Date.parse(end_time ?? '')])
    .sort(([a], [b]) => a - b);
  assert.equal(times.length, 3);
  for (const [i, [begun]] of times.slice(1).entries()) assert.ok(begun >= times[i][1], 'one after the other');

  await told;
  assert.deepEqual(
    (await store.trials.ofJob('waits')).map(({ attempts }) => attempts),
    [0],
    said.join('\n'),
  );
  await setStopped(store, 'asleep', false);
  assert.equal((await waiting).status, 'Completed');
});
