import assert from 'node:assert/strict';
import { onBothDatabases } from '../fixtures/both-databases.ts';

onBothDatabases('a resource has a name of its kind once', async ({ open }) => {
  const { resources } = await open();
  const added = await resources.add('datastore', 'lake', { path: 'lake' });
  assert.deepEqual(added && { ...added, created_at: '', changed_at: '' }, {
    ...{ kind: 'datastore', name: 'lake', sequence: 1, revision: 1, archived: false, spec: { path: 'lake' } },
    ...{ created_at: '', changed_at: '' },
  });
  assert.equal(await resources.add('datastore', 'lake', {}), null);
  assert.ok(await resources.add('token', 'lake', {}));
  assert.deepEqual(await resources.find('datastore', 'lake'), added);
  assert.equal(await resources.find('datastore', 'sea'), null);
});

onBothDatabases('of two that change the same revision one is told so', async ({ open }) => {
  const { resources } = await open();
  await resources.add('datastore', 'lake', { depth: 1 });
  const changes = await Promise.all(
    [2, 3].map((depth) => resources.change('datastore', 'lake', { spec: { depth } }, { revision: 1 })),
  );
  assert.equal(changes.filter((row) => row?.revision === 2).length, 1);
  assert.equal(changes.filter((row) => row === null).length, 1);
  assert.equal(await resources.delete('datastore', 'lake', { revision: 1 }), false);
  assert.equal(await resources.delete('datastore', 'lake', { revision: 2 }), true);
  assert.equal(await resources.delete('datastore', 'lake'), false);
});

onBothDatabases('a list has the newest first, in parts', async ({ open }) => {
  const { resources } = await open();
  for (const name of ['a', 'b', 'c', 'd']) await resources.add('model', name, {});
  await resources.add('data', 'z', {});
  await resources.change('model', 'c', { archived: true });
  const names = ({ rows }: { rows: { name: string }[] }) => rows.map(({ name }) => name);
  const first = await resources.list('model', { most: 2 });
  assert.deepEqual(names(first), ['d', 'b']);
  assert.deepEqual(names(await resources.list('model', { most: 2, after: first.next as string })), ['a']);
  assert.deepEqual(names(await resources.list('model', { archived: 'archived' })), ['c']);
  assert.deepEqual(names(await resources.list('model', { archived: 'all' })), ['d', 'c', 'b', 'a']);
  await assert.rejects(resources.list('model', { after: 'x' }), RangeError);
});

onBothDatabases('a version of an asset that is deleted is gone with its labels', async ({ open }) => {
  const { assets } = await open();
  await assets.add({ kind: 'model', name: 'm', spec: {}, labels: ['best'] });
  await assets.add({ kind: 'model', name: 'm', spec: {} });
  assert.equal(await assets.delete('model', 'm', '1'), true);
  assert.equal(await assets.delete('model', 'm', '1'), false);
  assert.equal(await assets.find('model', 'm', '@best'), null);
  assert.equal((await assets.find('model', 'm', '@latest'))?.version, '2');
});
