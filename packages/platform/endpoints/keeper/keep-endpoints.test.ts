import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { endpointNamed } from '../../fixtures/kept-endpoints.ts';
import { placeOf } from '../../place.ts';
import { openStore } from '../../store/index.ts';
import { type GatewayRow, onlineKinds } from '../online/online-rows.ts';
import { keeperKind } from './ensure-keeper.ts';
import { type KeepOptions, keepEndpoints } from './keep-endpoints.ts';

/** Keepers in this process, for a workspace without deployments. */
async function fresh(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-keep-'));
  const place = placeOf({ folder, database: '' });
  const store = await openStore(place);
  const ending = new AbortController();
  const running: Promise<void>[] = [];
  t.after(async () => {
    ending.abort();
    await Promise.all(running);
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const start = (more: Partial<KeepOptions> = {}) => {
    const said: string[] = [];
    const opened = Promise.withResolvers<string>();
    const stop = new AbortController();
    const ended = keepEndpoints(place, store, {
      gateway: { host: '127.0.0.1', port: 0, certificate: null },
      onGateway: ({ url }) => opened.resolve(url),
      ...{ idleMilliseconds: 0, isKept: () => false, say: (line: string) => said.push(line) },
      ...more,
      signal: AbortSignal.any([stop.signal, ending.signal]),
    });
    running.push(ended);
    return { said, opened: opened.promise, ended, stop: () => stop.abort() };
  };
  const gateway = async () => (await store.resources.find(onlineKinds.gateway, place.id))?.spec as GatewayRow;
  return { place, store, start, gateway };
}

test('a keeper that has nothing to keep ends by itself, and leaves nothing', async (t) => {
  const { place, store, start, gateway } = await fresh(t);
  const first = start();
  await first.ended;
  assert.deepEqual(await store.processes.list(keeperKind(place)), []);
  // The next one need not wait for anything, and listens where people know it.
  const second = start({ gateway: { host: '127.0.0.1', port: null, certificate: null }, idleMilliseconds: 60_000 });
  const url = await second.opened;
  assert.ok((await fetch(`${url}/healthz`)).ok);
  while ((await gateway())?.url !== url) await new Promise(setImmediate);
  await store.resources.add(onlineKinds.endpoint, 'pets', {
    ...{ ...endpointNamed('pets'), workspace: place.id },
    keys: { primary: 'sealed elsewhere', secondary: '' },
  });
  while ((await gateway())?.endpoints.pets === undefined) await new Promise(setImmediate);
  assert.deepEqual((await gateway())?.endpoints, { pets: 1 });
  assert.ok(second.said.some((line) => /pets: the primary key of pets was sealed with another secret/.test(line)));
  assert.equal((await fetch(`${url}/pets/score`, { method: 'POST', body: '{}' })).status, 401);
  second.stop();
  await second.ended;
});

test('of two keepers one acts, and the other takes its place', async (t) => {
  const { start, gateway } = await fresh(t);
  const first = start({ isKept: () => true });
  const url = await first.opened;
  const second = start({ isKept: () => true });
  let isOpen = false;
  second.opened.then(() => {
    isOpen = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.ok(!isOpen);
  first.stop();
  await first.ended;
  assert.notEqual(await second.opened, url);
  await assert.rejects(fetch(`${url}/healthz`));
  while ((await gateway())?.url !== (await second.opened)) await new Promise(setImmediate);
});

test('a port that was chosen is waited for', async (t) => {
  const { start } = await fresh(t);
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const told = Promise.withResolvers<string>();
  const gateway = { host: '127.0.0.1', port, certificate: null };
  const one = start({ gateway, onTrouble: told.resolve, isKept: () => true });
  assert.match(await told.promise, new RegExp(`^port ${port} of 127.0.0.1 is taken; .*--scoring-port$`));
  other.close();
  assert.equal(await one.opened, `http://localhost:${port}`);
});

test('a keeper whose folder is removed ends, and makes no other', async (t) => {
  const { place, start } = await fresh(t);
  const one = start({ isKept: () => true });
  await one.opened;
  rmSync(place.folder, { recursive: true });
  await one.ended;
  assert.ok(!existsSync(place.folder));
});
