import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Refusal } from '../../refusal.ts';
import { checkKey, endpointToken, newKey, openSealedKeys, sealKey, verifyEndpointToken } from './credentials.ts';

function fresh(t: TestContext): { folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-credentials-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return { folder };
}

test('keys open with the secret of their workspace, for their endpoint and in their place alone', (t) => {
  const place = fresh(t);
  const [primary, secondary] = [newKey(), newKey()];
  const keys = {
    primary: sealKey(place, 'pets', 'primary', primary),
    secondary: sealKey(place, 'pets', 'secondary', secondary),
  };
  assert.deepEqual(openSealedKeys(place, { name: 'pets', keys }), { primary, secondary });
  assert.notEqual(sealKey(place, 'pets', 'primary', primary), keys.primary);
  const middle = keys.primary.length >> 1;
  const damaged =
    keys.primary.slice(0, middle) + (keys.primary[middle] === 'a' ? 'b' : 'a') + keys.primary.slice(middle + 1);
  for (const [where, row] of [
    [place, { name: 'cats', keys }],
    [place, { name: 'pets', keys: { primary: keys.secondary, secondary: keys.primary } }],
    [place, { name: 'pets', keys: { ...keys, primary: damaged } }],
    [place, { name: 'pets', keys: { ...keys, primary: keys.primary.slice(0, -6) } }],
    [place, { name: 'pets', keys: { ...keys, primary: '' } }],
    [fresh(t), { name: 'pets', keys }],
  ] as const) {
    assert.throws(
      () => openSealedKeys(where, row),
      (error) => error instanceof Refusal && error.code === 'KeysSealedElsewhere',
    );
  }
});

test('the secret is readable by its user alone', (t) => {
  const { folder } = fresh(t);
  sealKey({ folder }, 'pets', 'primary', 'x');
  const path = join(folder, 'secrets', 'endpoints.key');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(join(folder, 'secrets')).mode & 0o777, 0o700);
  assert.equal(readFileSync(path).length, 32);
});

test('a token lets in to its endpoint until it ends, or the primary key is another', (t) => {
  const place = fresh(t);
  const now = Date.UTC(2026, 0, 1);
  const [primary, secondary] = [newKey(), newKey()];
  const endpoint = { name: 'pets', keys: [primary, secondary] };
  const token = endpointToken(place, 'pets', primary, now);
  assert.equal(token.expiryTimeUtc, now / 1000 + 12 * 3600);
  assert.equal(token.refreshAfterTimeUtc, now / 1000 + 6 * 3600);
  const isTaken = (of: typeof endpoint, text: string, at = now) => verifyEndpointToken(place, of, text, at);
  assert.ok(isTaken(endpoint, token.accessToken));
  assert.ok(isTaken(endpoint, token.accessToken, now + 12 * 3_600_000 - 1));
  assert.ok(!isTaken(endpoint, token.accessToken, now + 12 * 3_600_000));
  assert.ok(!isTaken({ ...endpoint, name: 'cats' }, token.accessToken));
  assert.ok(isTaken({ ...endpoint, keys: [primary, newKey()] }, token.accessToken));
  assert.ok(!isTaken({ ...endpoint, keys: [newKey(), secondary] }, token.accessToken));
  assert.ok(!verifyEndpointToken(fresh(t), endpoint, token.accessToken, now));
  const later = token.accessToken.replace(String(token.expiryTimeUtc), String(token.expiryTimeUtc + 1));
  for (const odd of [later, '', 'fet...', primary, `${token.accessToken}a`, token.accessToken.slice(0, -1)]) {
    assert.ok(!isTaken(endpoint, odd), odd);
  }
});

test('a key that is given has what headers carry, and enough of it', () => {
  assert.equal(checkKey(newKey()).length, 43);
  for (const odd of [
    '',
    'short',
    'a key with blanks in it',
    'a'.repeat(257),
    `${'a'.repeat(20)}\r\n`,
    `${'ä'.repeat(20)}`,
  ]) {
    assert.throws(() => checkKey(odd), Refusal);
  }
});
