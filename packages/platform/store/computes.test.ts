import assert from 'node:assert/strict';
import { onBothDatabases } from '../fixtures/both-databases.ts';
import { newJob, newTrial } from '../fixtures/rows.ts';
import type { SlotRow, Store } from './index.ts';

async function machine(store: Store, { cpu, gpu }: { cpu: number; gpu: number }, trials = 4): Promise<void> {
  await store.computes.put({ name: 'local', type: 'local', spec: {}, cpu, gpu });
  await store.jobs.add(newJob('lynx'));
  for (let number = 0; number < trials; number++)
    await store.trials.add({ ...newTrial('lynx', number), status: 'Queued' });
}

const numbers = (slots: SlotRow[] | null) => slots?.map(({ kind, number }) => `${kind}${number}`) ?? null;

onBothDatabases('a slot has one trial at a time', async ({ open }) => {
  const store = await open();
  await machine(store, { cpu: 4, gpu: 2 });
  const { computes } = store;
  assert.deepEqual(numbers(await computes.claim('local', 'lynx_HD_0', { cpu: 1, gpu: 1 })), ['cpu0', 'gpu0']);
  assert.deepEqual(numbers(await computes.claim('local', 'lynx_HD_1', { cpu: 2, gpu: 1 })), ['cpu1', 'cpu2', 'gpu1']);
  assert.deepEqual(numbers(await computes.claim('local', 'lynx_HD_2', { gpu: 1 })), null);
  assert.deepEqual(numbers(await computes.claim('local', 'lynx_HD_2', { cpu: 1 })), ['cpu3']);
  await computes.free('lynx_HD_0');
  assert.deepEqual(numbers(await computes.claim('local', 'lynx_HD_3', { cpu: 1, gpu: 1 })), ['cpu0', 'gpu0']);
  assert.deepEqual(numbers(await computes.held({ trial: 'lynx_HD_1' })), ['cpu1', 'cpu2', 'gpu1']);
  assert.equal((await computes.held({ compute: 'local' })).length, 6);
});

onBothDatabases('a trial that claims again gives back what it had; in vain, it keeps it', async ({ open }) => {
  const store = await open();
  await machine(store, { cpu: 2, gpu: 0 });
  const { computes } = store;
  await computes.claim('local', 'lynx_HD_0', { cpu: 1 });
  assert.deepEqual(numbers(await computes.claim('local', 'lynx_HD_0', { cpu: 2 })), ['cpu0', 'cpu1']);
  assert.deepEqual(numbers(await computes.claim('local', 'lynx_HD_0', { cpu: 1 })), ['cpu0']);
  await computes.claim('local', 'lynx_HD_1', { cpu: 1 });
  assert.equal(await computes.claim('local', 'lynx_HD_0', { cpu: 2 }), null);
  assert.deepEqual(numbers(await computes.held({ trial: 'lynx_HD_0' })), ['cpu0']);
});

onBothDatabases('slots come back with the end of their trial, and only then', async ({ open }) => {
  const store = await open();
  await machine(store, { cpu: 1, gpu: 0 });
  const { computes, trials } = store;
  await computes.claim('local', 'lynx_HD_0', { cpu: 1 });
  await trials.transition('lynx_HD_0', { from: ['Queued'], to: 'Running' });
  assert.equal((await computes.held({ compute: 'local' })).length, 1);
  assert.equal(await trials.transition('lynx_HD_0', { from: ['Queued'], to: 'Failed' }), false);
  assert.equal((await computes.held({ compute: 'local' })).length, 1);
  await trials.transition('lynx_HD_0', { from: ['Running'], to: 'Failed' });
  assert.deepEqual(await computes.held({ compute: 'local' }), []);
  await assert.rejects(computes.claim('local', 'lynx_HD_0', { cpu: 1 }), /trial lynx_HD_0 has ended \(Failed\)/);
});

onBothDatabases('what a compute cannot give is an error, not a wait', async ({ open }) => {
  const store = await open();
  await machine(store, { cpu: 2, gpu: 0 });
  const { computes } = store;
  await assert.rejects(
    computes.claim('local', 'lynx_HD_0', { gpu: 1 }),
    /compute local has 0 gpu slots; .* cannot have 1/,
  );
  await assert.rejects(computes.claim('local', 'lynx_HD_0', { cpu: 0.5 }), RangeError);
  await assert.rejects(computes.claim('none', 'lynx_HD_0', { cpu: 1 }), /there is no compute none/);
  await assert.rejects(computes.claim('local', 'none', { cpu: 1 }), /there is no trial none/);
});

onBothDatabases('a compute may shrink below what is held, and goes only when nothing is', async ({ open }) => {
  const store = await open();
  await machine(store, { cpu: 3, gpu: 0 });
  const { computes } = store;
  await computes.claim('local', 'lynx_HD_0', { cpu: 3 });
  const shrunk = await computes.put({ name: 'local', type: 'local', spec: { threads: 1 }, cpu: 1, gpu: 0 });
  assert.deepEqual([shrunk.cpu, shrunk.spec], [1, { threads: 1 }]);
  assert.equal((await computes.held({ compute: 'local' })).length, 3);
  assert.equal(await computes.delete('local'), false);
  await computes.free('lynx_HD_0');
  assert.deepEqual(numbers(await computes.claim('local', 'lynx_HD_1', { cpu: 1 })), ['cpu0']);
  await computes.free('lynx_HD_1');
  assert.deepEqual(
    (await computes.list()).map(({ name }) => name),
    ['local'],
  );
  assert.equal(await computes.delete('local'), true);
  assert.equal(await computes.find('local'), null);
  assert.equal(await computes.delete('local'), false);
});
