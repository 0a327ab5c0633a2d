import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LeaseWatch, openStore } from '../../store/index.ts';
import { KeeperLease } from './keeper-lease.ts';

test('one process may serve a folder; the next one when that gives it back, is gone, or is silent', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-lease-'));
  const store = await openStore({ folder });
  t.after(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });
  let now = 0;
  const gone = new Set<string>();
  const lease = (owner: string, isKept = false) => {
    const watch = new LeaseWatch({ now: () => now, isGone: (token) => gone.has(token) });
    return new KeeperLease({ id: 'here' }, store, () => ({ owner, isKept }), watch);
  };
  const [a, b, c] = [lease('a'), lease('b', true), lease('c')];

  const taken = await Promise.all([a.take(), b.take()]);
  assert.equal(taken.filter(Boolean).length, 1, 'of two that come at once one has it');
  const [first, second] = taken[0] ? [a, b] : [b, a];
  assert.equal(await second.take(), false);
  await first.release();
  assert.ok(await second.take());
  assert.equal(await first.beat(), false, 'what was given back is not beaten for');

  // Beats that are asked for at once are one; each is seen by who watches.
  assert.deepEqual(await Promise.all([second.beat(), second.beat()]), [true, true]);
  for (let look = 0; look < 10; look++) {
    assert.equal(await c.take(), false);
    now += 1500;
    if (look % 4 === 0) await second.beat();
  }
  assert.deepEqual(c.holder, second === b ? { owner: 'b', isKept: true } : { owner: 'a', isKept: false });
  gone.add(second === b ? 'b' : 'a');
  assert.ok(await c.take(), 'gone');
  assert.equal(await second.beat(), false, 'it learns of it');

  gone.clear();
  const d = lease('d');
  let looks = 0;
  while (!(await d.take())) {
    now += 1500;
    looks++;
  }
  assert.ok(looks >= 7, 'ten seconds of silence');
  assert.equal(await c.beat(), false);
  assert.ok(await d.beat());
  await c.release();
  assert.ok(await d.beat(), 'who lost it gives nothing back');
});
