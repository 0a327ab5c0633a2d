import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { onBothDatabases } from '../fixtures/both-databases.ts';
import { Refusal } from '../refusal.ts';
import { allows, createTokens } from './tokens.ts';

onBothDatabases('a token lets in whom it was made for, until it expires or is revoked', async ({ open }) => {
  let time = new Date('2026-01-01T00:00:00Z');
  const tokens = createTokens(await open(), () => time);
  const ci = await tokens.create('ci', 'contributor', new Date('2026-02-01T00:00:00Z'));
  const me = await tokens.create('me', 'owner', null);
  assert.deepEqual(await tokens.verify(ci), { name: 'ci', role: 'contributor' });
  assert.deepEqual(await tokens.verify(me), { name: 'me', role: 'owner' });
  const odd = [
    '',
    'x',
    ci.slice(0, -1),
    `${ci}a`,
    ci.replace('ci', 'me'),
    me.replace('me', 'ci'),
    'fovea..',
    'fovea.__proto__.'.concat('a'.repeat(43)),
  ];
  for (const token of odd) assert.equal(await tokens.verify(token), null, token);
  await assert.rejects(tokens.create('ci', 'owner', null), /there is a token ci already/);
  await assert.rejects(tokens.create('../ci', 'owner', null), Refusal);
  assert.deepEqual(
    (await tokens.list()).map(({ name, role }) => [name, role]),
    [
      ['me', 'owner'],
      ['ci', 'contributor'],
    ],
  );
  time = new Date('2026-02-01T00:00:00Z');
  assert.equal(await tokens.verify(ci), null);
  await tokens.revoke('me');
  assert.equal(await tokens.verify(me), null);
  await assert.rejects(tokens.revoke('me'), /there is no token me/);
});

onBothDatabases('a rotated token and the one before it are taken for as long as they overlap', async ({ open }) => {
  let time = new Date('2026-01-01T00:00:00Z');
  const tokens = createTokens(await open(), () => time);
  const first = await tokens.create('ci', 'reader', null);
  const second = await tokens.rotate('ci', 60_000);
  assert.ok((await tokens.verify(first)) && (await tokens.verify(second)));
  assert.equal((await tokens.list())[0].previous_until, '2026-01-01T00:01:00.000Z');
  time = new Date('2026-01-01T00:01:00Z');
  assert.equal(await tokens.verify(first), null);
  assert.ok(await tokens.verify(second));
  const third = await tokens.rotate('ci', 0);
  assert.equal(await tokens.verify(second), null);
  assert.ok(await tokens.verify(third));
});

test('each role may do what those below it may', () => {
  assert.ok(allows('owner', 'reader') && allows('contributor', 'contributor') && !allows('reader', 'contributor'));
});

onBothDatabases('the secret of a token is nowhere in the database', async ({ kind, open, address }) => {
  if (kind !== 'SQLite') return;
  const store = await open();
  const [, , secret] = (await createTokens(store).create('ci', 'reader', null)).split('.');
  await store.close();
  assert.ok(!readFileSync(join(address.folder, 'fovea.db')).includes(secret));
});
