import assert from 'node:assert/strict';
import { onBothDatabases } from '../fixtures/both-databases.ts';
import { NameTaken, type NewAsset } from './index.ts';

const pets = (more: Partial<NewAsset> = {}): NewAsset => ({
  kind: 'data',
  name: 'pets',
  spec: { path: 'pets/' },
  ...more,
});

onBothDatabases('versions count up by themselves; one is given once', async ({ open }) => {
  const { assets } = await open();
  assert.equal((await assets.add(pets())).version, '1');
  assert.equal((await assets.add(pets({ version: '7' }))).version, '7');
  assert.equal((await assets.add(pets({ version: '2026-01' }))).version, '2026-01');
  assert.equal((await assets.add(pets())).version, '8');
  assert.equal((await assets.add(pets({ kind: 'model' }))).version, '1');
  const taken = await assets.add(pets({ version: '7' })).catch((error) => error);
  assert.ok(taken instanceof NameTaken);
  assert.equal(taken.message, 'there is already a data asset named pets, version 7; choose another name');
});

onBothDatabases('an asset is found as it was added', async ({ open }) => {
  const { assets } = await open();
  const given = {
    kind: 'model',
    name: 'ants',
    version: '3',
    description: 'of the summer',
    spec: { format: 'onnx' },
    content_hash: 'sha256:00ff',
    labels: ['stable', 'blue'],
    tags: { a: 'b' },
    properties: { c: 'd' },
    job: 'amber_lynx',
    data: ['pets:1', 'pets:2'],
  } as const;
  const added = await assets.add({ ...given, labels: [...given.labels], data: [...given.data] });
  const { created_at: _, ...rest } = added;
  assert.deepEqual(rest, { ...given, labels: ['blue', 'stable'], sequence: 1, archived: false });
  assert.deepEqual(await assets.find('model', 'ants', '3'), added);
  assert.equal(await assets.find('data', 'ants', '3'), null);
});

onBothDatabases('@latest is the newest that is not archived, whatever its version is called', async ({ open }) => {
  const { assets } = await open();
  assert.equal(await assets.find('data', 'pets', '@latest'), null);
  for (const version of ['10', '9', 'b']) await assets.add(pets({ version }));
  assert.equal((await assets.find('data', 'pets', '@latest'))?.version, 'b');
  assert.equal(await assets.setArchived('data', 'pets', 'b', true), true);
  assert.equal((await assets.find('data', 'pets', '@latest'))?.version, '9');
  assert.equal((await assets.find('data', 'pets', 'b'))?.archived, true);
  await assets.setArchived('data', 'pets', null, true);
  assert.equal(await assets.find('data', 'pets', '@latest'), null);
  await assets.setArchived('data', 'pets', null, false);
  assert.equal((await assets.find('data', 'pets', '@latest'))?.version, 'b');
  assert.equal(await assets.setArchived('data', 'none', null, true), false);
});

onBothDatabases('a label belongs to one version of a name', async ({ open }) => {
  const { assets } = await open();
  await assets.add(pets({ labels: ['stable'] }));
  await assets.add(pets());
  assert.equal((await assets.find('data', 'pets', '@stable'))?.version, '1');
  assert.equal(await assets.label('data', 'pets', '2', 'stable'), true);
  assert.deepEqual((await assets.find('data', 'pets', '@stable'))?.labels, ['stable']);
  assert.equal((await assets.find('data', 'pets', '@stable'))?.version, '2');
  assert.deepEqual((await assets.find('data', 'pets', '1'))?.labels, []);
  assert.equal(await assets.label('data', 'pets', '5', 'stable'), false);
  assert.equal(await assets.removeLabel('data', 'pets', 'stable'), true);
  assert.equal(await assets.removeLabel('data', 'pets', 'stable'), false);
  assert.equal(await assets.find('data', 'pets', '@stable'), null);
});

onBothDatabases('lists have the newest version of each name, or all of one', async ({ open }) => {
  const { assets } = await open();
  await assets.add(pets({ content_hash: 'x' }));
  await assets.add(pets({ name: 'ants', content_hash: 'x' }));
  await assets.add(pets({ labels: ['stable'] }));
  await assets.add(pets({ kind: 'model' }));
  const shown = async (filter?: Parameters<typeof assets.list>[0]) =>
    (await assets.list(filter)).rows.map(({ kind, name, version }) => `${kind}:${name}:${version}`);
  assert.deepEqual(await shown({ kind: 'data' }), ['data:pets:2', 'data:ants:1']);
  assert.deepEqual(await shown({ kind: 'data', name: 'pets' }), ['data:pets:2', 'data:pets:1']);
  assert.deepEqual(await shown({ contentHash: 'x' }), ['data:ants:1', 'data:pets:1']);
  assert.deepEqual((await assets.list({ kind: 'data' })).rows[0].labels, ['stable']);

  await assets.setArchived('data', 'pets', '2', true);
  assert.deepEqual(await shown({ kind: 'data' }), ['data:ants:1', 'data:pets:1']);
  assert.deepEqual(await shown({ archived: 'archived' }), ['data:pets:2']);
  assert.deepEqual(await shown({ kind: 'data', archived: 'all' }), ['data:pets:2', 'data:ants:1']);

  const first = await assets.list({ most: 2 });
  const second = await assets.list({ most: 2, after: first.next as string });
  assert.deepEqual(
    [...first.rows, ...second.rows].map(({ kind, name }) => `${kind}:${name}`),
    ['model:pets', 'data:ants', 'data:pets'],
  );
  assert.equal(second.next, null);
});

onBothDatabases('what is said of a version can be changed, what it is cannot', async ({ open }) => {
  const { assets } = await open();
  await assets.add(pets());
  assert.equal(await assets.patch('data', 'pets', '1', { tags: { a: 'b' }, description: 'cats and dogs' }), true);
  const asset = await assets.find('data', 'pets', '1');
  assert.deepEqual([asset?.tags, asset?.description, asset?.spec], [{ a: 'b' }, 'cats and dogs', { path: 'pets/' }]);
  assert.equal(await assets.patch('data', 'pets', '1', {}), true);
  assert.equal(await assets.patch('data', 'pets', '2', {}), false);
});
