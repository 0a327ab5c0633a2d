import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newJob, newTrial } from '../fixtures/rows.ts';
import { servedWorkspace } from '../fixtures/served-workspace.ts';
import { Refusal } from '../refusal.ts';
import { localCompute, shareOf } from './local-machine.ts';
import {
  changeNamedCompute,
  computeNameOf,
  findNamedCompute,
  listNamedComputes,
  nodesOf,
  putNamedCompute,
  removeNamedCompute,
  setStopped,
  withoutEffect,
} from './named-compute.ts';

const refused =
  (code: string, message = /./) =>
  (error: unknown) => {
    assert.ok(error instanceof Refusal, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };

test('a compute is a name with instances, which has what was said of it and the defaults of Azure', async (t) => {
  const { store } = await servedWorkspace(t);
  await store.computes.put(localCompute({ host: 'here', cores: 4, gpus: [] }));
  const made = await putNamedCompute(store, { name: 'gpu-cluster', type: 'AmlCompute' });
  const { minInstances, maxInstances, idleSeconds, tier, isStopped } = made;
  assert.deepEqual([minInstances, maxInstances, idleSeconds, tier, isStopped], [0, 4, 120, 'Dedicated', false]);
  const again = await putNamedCompute(store, { name: 'gpu-cluster', type: 'AmlCompute', maxInstances: 2, size: 'X' });
  assert.deepEqual([again.maxInstances, again.size, again.createdAt], [2, 'X', made.createdAt]);
  const changed = await changeNamedCompute(store, 'gpu-cluster', { maxInstances: 3, tags: { a: 'b' } });
  assert.deepEqual([changed.maxInstances, changed.size, changed.tags], [3, 'X', { a: 'b' }]);
  assert.deepEqual(await findNamedCompute(store, 'gpu-cluster'), changed);
  const instance = await putNamedCompute(store, { name: 'mine', type: 'ComputeInstance' });
  assert.deepEqual([instance.minInstances, instance.maxInstances], [1, 1]);
  const names = (await listNamedComputes(store)).map(({ name }) => name);
  assert.deepEqual(names, ['gpu-cluster', 'mine'], 'the machine is none of them');

  for (const bad of [
    { maxInstances: 0 },
    { maxInstances: 1.5 },
    { minInstances: -1 },
    { idleSeconds: -1 },
    { minInstances: 5 },
  ])
    await assert.rejects(putNamedCompute(store, { name: 'x', type: 'AmlCompute', ...bad }), refused('ValidationError'));
  for (const name of ['local', '../x', 'local@here', ''])
    await assert.rejects(putNamedCompute(store, { name, type: 'AmlCompute' }), refused('InvalidName'));
  await assert.rejects(
    putNamedCompute(store, { name: 'mine', type: 'AmlCompute' }),
    refused('ComputeTypeChanged', /of type ComputeInstance/),
  );
  await assert.rejects(
    putNamedCompute(store, { name: 'two', type: 'ComputeInstance', maxInstances: 2 }),
    refused('ValidationError'),
  );
  await assert.rejects(findNamedCompute(store, 'cpu'), refused('ComputeNotFound', /there is gpu-cluster, mine/));
});

test('one that a job is to run on is not deleted, and one that works is not stopped', async (t) => {
  const { store } = await servedWorkspace(t);
  for (const [name, type] of [
    ['cluster', 'AmlCompute'],
    ['mine', 'ComputeInstance'],
  ] as const)
    await putNamedCompute(store, { name, type });
  await store.jobs.add({ ...newJob('j'), compute: 'azureml:cluster' });
  await assert.rejects(removeNamedCompute(store, 'cluster'), refused('ComputeInUse', /the job j is to run on cluster/));
  await store.trials.add({ ...newTrial('j', 0), status: 'Running' });
  await store.computes.claim('mine', 'j_HD_0', { cpu: 1 });
  assert.deepEqual(await nodesOf(store, await findNamedCompute(store, 'mine')), [{ id: 'mine-0', trial: 'j_HD_0' }]);
  await assert.rejects(setStopped(store, 'mine', true), refused('ComputeInUse', /j_HD_0 runs on mine/));
  await assert.rejects(removeNamedCompute(store, 'mine'), refused('ComputeInUse', /j_HD_0 runs on mine/));
  await assert.rejects(setStopped(store, 'cluster', true), refused('NoComputeInstance', /ComputeInstance is started/));

  await store.trials.transition('j_HD_0', { from: ['Running'], to: 'Completed' });
  assert.equal((await setStopped(store, 'mine', true)).isStopped, true);
  assert.equal((await setStopped(store, 'mine', false)).isStopped, false);
  await removeNamedCompute(store, 'mine');
  await store.jobs.transition('j', { from: ['NotStarted'], to: 'Completed' });
  await removeNamedCompute(store, 'cluster');
  assert.deepEqual(await listNamedComputes(store), []);
  await assert.rejects(removeNamedCompute(store, 'cluster'), refused('ComputeNotFound', /none was made here/));
});

test('a job names it in any of the ways that Azure has, and its trials share the cores of as many instances', () => {
  const id = '/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/computes/gpu';
  for (const compute of ['gpu', 'azureml:gpu', id, `azureml:${id}`]) assert.equal(computeNameOf(compute), 'gpu');
  assert.equal(computeNameOf(null), 'local');
  const limits = { max_trials: 10, max_concurrent_trials: 4, timeout_minutes: 60 };
  const machine = { cores: 8, gpus: [] };
  assert.deepEqual(shareOf(machine, limits, { name: 'gpu', maxInstances: 2 }), {
    ...{ concurrent: 2, threads: 4, wanted: { cpu: 4 }, instanceOf: 'gpu' },
  });
  assert.equal(shareOf(machine, limits, { name: 'gpu', maxInstances: 9 }).concurrent, 4);
});

test('what has no effect here is said', () => {
  const compute = { name: 'gpu', type: 'AmlCompute', maxInstances: 2, minInstances: 0 } as const;
  assert.deepEqual(withoutEffect(compute), []);
  const said = {
    ...compute,
    size: 'STANDARD_NC6',
    tier: 'LowPriority',
    location: 'westeurope',
    minInstances: 1,
  } as const;
  const keys = withoutEffect({ ...said, idleSeconds: 120 }).map((words) => words.replace(/:.*/, ''));
  assert.deepEqual(keys, ['size', 'tier', 'location', 'min_instances', 'idle_time_before_scale_down']);
});
