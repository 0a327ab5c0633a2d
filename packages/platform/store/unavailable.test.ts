import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { onPostgres } from '../fixtures/both-databases.ts';
import { newJob, newTrial } from '../fixtures/rows.ts';
import { openStore, type Store, StoreUnavailable } from './index.ts';
import { unavailable } from './unavailable.ts';

/** That it says what is wrong in its first line and what to do in the next. */
const says = (problem: RegExp, hint: RegExp) => (error: unknown) => {
  assert.ok(error instanceof StoreUnavailable, String(error));
  const [first, ...rest] = error.message.split('\n');
  assert.match(first, problem);
  assert.match(rest.join('\n'), hint);
  assert.equal(rest.join('\n'), error.hint);
  return true;
};

/** A folder; with `options`, a file system of its own. Null where none can be mounted. Opens stores that are closed when the test ends. */
function folderFor(t: TestContext, options?: string) {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-unavailable-'));
  const mount = (how: string) => spawnSync('mount', ['-t', 'tmpfs', '-o', how, 'tmpfs', folder]).status === 0;
  const opened: Store[] = [];
  const open = async () => {
    const store = await openStore({ folder });
    opened.push(store);
    return store;
  };
  t.after(async () => {
    for (const store of opened) await store.close();
    if (options) spawnSync('umount', [folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  return options === undefined || mount(options) ? { folder, mount, open } : null;
}

const cannotMount = 'a small file system cannot be mounted here';
const time = '2026-01-01T00:00:00.000Z';

test('on a full disk nothing that was written is lost, and with room it goes on', async (t) => {
  const place = folderFor(t, 'size=2m');
  if (!place) return t.skip(cannotMount);
  const store = await place.open();
  await store.jobs.add(newJob('lynx'));
  await store.trials.add({ ...newTrial('lynx', 0), status: 'Running', owner: 'me' });
  const batch = (number: number) =>
    Array.from({ length: 500 }, (_, i) => ({ name: 'loss', step: number * 500 + i, value: i, time }));
  let batches = 0;
  const fill = async () => {
    for (; batches < 1000; batches++) await store.metrics.record('lynx_HD_0', batch(batches), { owner: 'me' });
  };
  await assert.rejects(fill(), says(/fovea\.db has no room left on its disk/, /^Make room there\. .* is kept/));
  assert.ok(batches > 5);
  assert.equal((await store.metrics.ofTrial('lynx_HD_0')).length, batches * 500);

  assert.ok(place.mount('remount,size=64m'));
  assert.equal(await store.metrics.record('lynx_HD_0', batch(batches), { owner: 'me' }), true);
  assert.equal((await store.metrics.ofTrial('lynx_HD_0')).length, (batches + 1) * 500);
  assert.equal((await (await place.open()).metrics.ofTrial('lynx_HD_0')).length, (batches + 1) * 500);
});

test('a folder that cannot be written is an error that says so', async (t) => {
  const place = folderFor(t, 'size=4m');
  if (!place) return t.skip(cannotMount);
  const store = await openStore({ folder: join(place.folder, 'filled') });
  await store.jobs.add(newJob('lynx'));
  await store.close();
  assert.ok(place.mount('remount,ro'));
  await assert.rejects(
    openStore({ folder: join(place.folder, 'new') }),
    says(/new\/fovea\.db cannot be made, because its folder \S+new cannot$/, /another folder for the workspace/),
  );
  await assert.rejects(
    openStore({ folder: join(place.folder, 'filled') }),
    says(/filled\/fovea\.db cannot be (opened|written)/, /Allow .*, or name another folder for the workspace/),
  );
});

test('a file that is no database is left alone', async (t) => {
  const { folder } = folderFor(t) ?? assert.fail();
  writeFileSync(
    join(folder, 'fovea.db'),
    'a text of somebody, long enough to be looked into as if it were pages of rows',
  );
  await assert.rejects(openStore({ folder }), says(/fovea\.db is not a database/, /move it away/));
  rmSync(join(folder, 'fovea.db'));
  mkdirSync(join(folder, 'fovea.db'));
  await assert.rejects(openStore({ folder }), says(/fovea\.db cannot be opened/, /writable/));
});

test('an address that is none is refused, without showing what may be a password', async (t) => {
  const { folder } = folderFor(t) ?? assert.fail();
  for (const database of ['mysql://root:secret@host/db', 'secret', 'postgres://user:secret@host:port/db']) {
    await assert.rejects(openStore({ folder, database }), ({ message }: Error) => {
      assert.match(message, /should be like postgres:\/\/user:password@host:5432\/database/);
      assert.ok(!message.includes('secret'));
      return true;
    });
  }
});

test('a server that is not there is an error at once', async (t) => {
  const { folder } = folderFor(t) ?? assert.fail();
  const begun = performance.now();
  await assert.rejects(openStore({ folder, database: 'postgres://me:secret@127.0.0.1:1/fovea' }), (error: Error) => {
    assert.ok(!error.message.includes('secret'));
    return says(/^the database postgres:\/\/me:\*\*\*@127.0.0.1:1\/fovea cannot be reached/, /server running/)(error);
  });
  assert.ok(performance.now() - begun < 15_000);
});

test('a host with several addresses is said not to answer at the first of them', () => {
  const refused = (address: string) =>
    Object.assign(new Error(`connect ECONNREFUSED ${address}`), { code: 'ECONNREFUSED' });
  const both = Object.assign(new AggregateError([refused('::1:5432'), refused('127.0.0.1:5432')]), {
    code: 'ECONNREFUSED',
  });
  assert.match(
    unavailable(both, 'postgres://localhost/db')?.message ?? '',
    /cannot be reached \(connect ECONNREFUSED ::1:5432\)/,
  );
  assert.equal(unavailable(new Error('something else'), 'postgres://localhost/db'), null);
});

onPostgres('what is wrong with a server or its database is said', async ({ address }) => {
  const { folder, database = '' } = address;
  await assert.rejects(
    openStore({ folder, database: database.replace(/fovea_\d+/, 'nowhere') }),
    says(/nowhere\?host=\S+ is not there \(database "nowhere" does not exist\)/, /createdb/),
  );
  await assert.rejects(
    openStore({ folder, database: database.replace('postgres@', 'nobody@') }),
    says(/does not let this user in/, /Check user and password/),
  );
  const readOnly = encodeURIComponent('-c default_transaction_read_only=on');
  await assert.rejects(
    openStore({ folder, database: `${database}&options=${readOnly}` }),
    says(/is read-only/, /the server that takes writes/),
  );
});

onPostgres('a server that falls and comes back costs nothing that was written', async ({ open, crash }) => {
  const store = await open();
  await store.jobs.add(newJob('lynx'));
  await store.trials.add(newTrial('lynx', 0));
  const record = (step: number) => store.metrics.record('lynx_HD_0', [{ name: 'loss', step, value: step, time }]);
  const steps = async () => (await store.metrics.ofTrial('lynx_HD_0')).map(({ step }) => step);
  await record(1);

  // Several connections, so that more than one that is broken lies ready.
  await Promise.all([steps(), steps(), steps()]);
  await crash();
  assert.deepEqual(await steps(), [1]);
  await crash();
  assert.equal(await record(2), true);

  // While it is away, what is asked waits. Only what was about to end when it fell cannot be told, and is an error.
  const [, outcomes] = await Promise.all([crash(), Promise.allSettled([record(3), steps(), record(4), steps()])]);
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected')
      says(/(broke the connection off|was stopped or is starting)/, /kept/)(outcome.reason);
  }
  await Promise.all([record(3), record(4)]);
  assert.deepEqual(await steps(), [1, 2, 3, 4]);
});
