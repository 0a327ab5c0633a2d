import assert from 'node:assert/strict';
import { onBothDatabases } from '../fixtures/both-databases.ts';
import { newJob, newTrial } from '../fixtures/rows.ts';
import type { Store } from './index.ts';

const time = '2026-01-01T00:00:00.000Z';
const point = (name: string, step: number, value: number) => ({ name, step, value, time });

async function withTrials(store: Store, count: number): Promise<void> {
  await store.jobs.add(newJob('lynx'));
  for (let number = 0; number < count; number++) await store.trials.add(newTrial('lynx', number));
}

onBothDatabases('points are read by step, of one metric or all, in a range or whole', async ({ open }) => {
  const store = await open();
  const { metrics } = store;
  await withTrials(store, 2);
  const points = [point('loss', 1, 0.5), point('accuracy', 1, 0.6), point('loss', 2, 0.25), point('loss', 10, 1e-300)];
  assert.equal(await metrics.record('lynx_HD_0', points), true);
  await metrics.record('lynx_HD_1', [point('loss', 1, 7)]);
  assert.deepEqual(await metrics.ofTrial('lynx_HD_0'), [points[1], points[0], points[2], points[3]]);
  assert.deepEqual(await metrics.ofTrial('lynx_HD_0', { name: 'loss' }), [points[0], points[2], points[3]]);
  assert.deepEqual(await metrics.ofTrial('lynx_HD_0', { name: 'loss', from: 2, to: 9 }), [points[2]]);
  assert.deepEqual(await metrics.ofTrial('lynx_HD_0', { from: 2 }), [points[2], points[3]]);
  assert.deepEqual(await metrics.ofTrial('none'), []);
  assert.deepEqual(await metrics.names('lynx_HD_0'), ['accuracy', 'loss']);
});

onBothDatabases('a metric of a whole job comes by trial and step', async ({ open }) => {
  const store = await open();
  await withTrials(store, 11);
  await store.metrics.record('lynx_HD_10', [point('loss', 1, 1)]);
  await store.metrics.record('lynx_HD_2', [point('loss', 10, 2), point('loss', 9, 3), point('accuracy', 9, 4)]);
  assert.deepEqual(
    (await store.metrics.ofJob('lynx', 'loss')).map(({ trial, number, step, value }) => [trial, number, step, value]),
    [
      ['lynx_HD_2', 2, 9, 3],
      ['lynx_HD_2', 2, 10, 2],
      ['lynx_HD_10', 10, 1, 1],
    ],
  );
});

onBothDatabases('values come back bit by bit, those that are no numbers too', async ({ open }) => {
  const store = await open();
  await withTrials(store, 1);
  const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.1, 1 / 3, 5e-324, 2 ** 53 + 2, 0];
  const points = values.map((value, step) => point('loss', step, value));
  await store.metrics.record('lynx_HD_0', points);
  assert.deepEqual(await store.metrics.ofTrial('lynx_HD_0'), points);
});

onBothDatabases('a point that was written stays as it is', async ({ open }) => {
  const store = await open();
  await withTrials(store, 1);
  const { metrics } = store;
  await metrics.record('lynx_HD_0', [point('loss', 1, 0.5), point('loss', 1, 0.6)]);
  assert.equal(await metrics.record('lynx_HD_0', [point('loss', 1, 0.7), point('loss', 2, 0.8)]), true);
  assert.deepEqual(await metrics.ofTrial('lynx_HD_0'), [point('loss', 1, 0.5), point('loss', 2, 0.8)]);
});

onBothDatabases('thousands of points are written at once, or none', async ({ open }) => {
  const store = await open();
  await withTrials(store, 1);
  const points = Array.from({ length: 2500 }, (_, step) => point('loss', step, step / 7));
  await assert.rejects(
    store.metrics.record('lynx_HD_0', [...points, point('loss', 0.5, 1)]),
    /step 0.5 of loss is not/,
  );
  assert.deepEqual(await store.metrics.ofTrial('lynx_HD_0'), []);
  await store.metrics.record('lynx_HD_0', points);
  assert.deepEqual(await store.metrics.ofTrial('lynx_HD_0'), points);
});

onBothDatabases('one that lost its trial writes nothing', async ({ open }) => {
  const store = await open();
  await withTrials(store, 1);
  const { trials, metrics } = store;
  assert.equal(await trials.claim('lynx_HD_0', 'me'), true);
  assert.equal(await metrics.record('lynx_HD_0', [point('loss', 1, 1)], { owner: 'me' }), true);
  assert.equal(await trials.handOver('lynx_HD_0', 'me', 'you'), true);
  assert.equal(await metrics.record('lynx_HD_0', [point('loss', 2, 1)], { owner: 'me' }), false);
  assert.equal((await metrics.ofTrial('lynx_HD_0')).length, 1);
  await assert.rejects(metrics.record('none', []), /there is no trial none/);
});
