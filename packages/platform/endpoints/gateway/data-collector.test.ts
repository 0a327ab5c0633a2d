import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import {
  ask,
  endpointOf,
  FakeDeployment,
  fakeInstance,
  fine,
  gatewayFor,
  json,
  until,
} from '../../fixtures/asked-gateway.ts';
import type { DataCollectorSpec } from '../online/online-spec.ts';
import { DataCollector } from './data-collector.ts';

const spec: DataCollectorSpec = {
  ...{ sampling_rate: 1, rolling_rate: 'Hour' },
  collections: { request: { enabled: true }, response: { enabled: true } },
};

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-collected-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

interface CollectedRow {
  readonly [key: string]: unknown;
}

function rowsOf(folder: string): CollectedRow[] {
  return globSync('**/*.jsonl', { cwd: folder })
    .sort()
    .flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

test('requests and answers are kept as events, a line each, by the hour', async (t) => {
  const folder = folderFor(t);
  const instance = await fakeInstance(t, 'a', (got, response, request) =>
    got.body === 'no JSON' ? json(response, 400, { error: { code: 'BadRequest' } }) : fine(got, response, request),
  );
  const blue = new FakeDeployment('blue', instance);
  blue.collector = { ...spec, sampling_rate: 0.5 };
  let drawn = 0.49;
  const gateway = await gatewayFor(t, [endpointOf('shop', [blue])], {
    collectorFolder: (endpoint, deployment) => join(folder, endpoint, deployment),
    random: () => drawn,
  });
  const begun = Date.now();
  const headers = { 'x-request-id': 'r-1' };
  await ask(gateway, { body: '\ufeff{"input_data":\r\n {"data": ["A\\nB"]}}', headers });
  await ask(gateway, { body: 'no JSON', headers: { 'x-request-id': 'r-2' } });
  const bytes = Buffer.from([0xff, 0x00, 0x0a]);
  const type = 'application/octet-stream';
  await ask(gateway, { body: bytes, headers: { 'x-request-id': 'r-3', 'content-type': type } });
  drawn = 0.51;
  await ask(gateway, { body: '{"not": "sampled"}' });
  await gateway.close();

  const [request, response, ...others] = globSync('**/*.jsonl', { cwd: folder }).sort();
  assert.equal(others.length, 0);
  assert.match(request, /^shop\/blue\/request\/\d{4}\/\d\d\/\d\d\/\d\d\/[\w-]{36}\.jsonl$/);
  assert.match(response, /^shop\/blue\/response\/\d{4}\/\d\d\/\d\d\/\d\d\/[\w-]{36}\.jsonl$/);
  const rows = rowsOf(folder);
  assert.equal(new Set(rows.map(({ id }) => id)).size, 6);
  const expected = (collection: string, requestId: string, more: object) => ({
    ...{ specversion: '1.0', source: 'onlineEndpoints/shop/deployments/blue', type: `azureml.inference.${collection}` },
    ...{ datacontenttype: 'application/json', correlationid: requestId, xrequestid: requestId, ...more },
  });
  assert.deepEqual(
    rows.map(({ id, time, ...row }) => {
      const at = Date.parse(String(time));
      assert.ok(at >= begun && at <= Date.now());
      return row;
    }),
    [
      expected('request', 'r-1', { data: { input_data: { data: ['A\nB'] } } }),
      expected('request', 'r-2', { data_base64: Buffer.from('no JSON').toString('base64') }),
      expected('request', 'r-3', { datacontenttype: type, data_base64: bytes.toString('base64') }),
      expected('response', 'r-1', { data: [{ probs: [1], labels: ['a'] }] }),
      expected('response', 'r-2', { data: { error: { code: 'BadRequest' } } }),
      expected('response', 'r-3', { data: [{ probs: [1], labels: ['a'] }] }),
    ],
  );
});

test('mirrored requests are kept by the mirror, with its answers', async (t) => {
  const folder = folderFor(t);
  const blue = new FakeDeployment('blue', await fakeInstance(t, 'a'));
  const green = new FakeDeployment(
    'green',
    await fakeInstance(t, 'b', (_, response) => json(response, 200, ['green'])),
  );
  green.collector = { ...spec, collections: { request: { enabled: false }, response: { enabled: true } } };
  const gateway = await gatewayFor(
    t,
    [endpointOf('shop', [blue, green], { mirror: { deployment: 'green', percent: 50 } })],
    {
      ...{ collectorFolder: (_, deployment) => join(folder, deployment), random: () => 0 },
    },
  );
  await ask(gateway, { body: '{}' });
  await until(() => rowsOf(folder).length > 0);
  assert.deepEqual(
    rowsOf(folder).map(({ type, data }) => [type, data]),
    [['azureml.inference.response', ['green']]],
  );
  assert.ok(existsSync(join(folder, 'green/response')) && !existsSync(join(folder, 'blue')));
});

/** A collector by itself. */
function collectorIn(folder: string, other: { now?: () => Date; mostWaiting?: number } = {}) {
  const counts = { kept: 0, dropped: 0 };
  const log: string[] = [];
  const collector = new DataCollector({
    folderOf: () => folder,
    log: pino({}, { write: (line) => void log.push(JSON.parse(line).msg) }),
    counted: (_endpoint, _deployment, outcome) => void counts[outcome]++,
    ...other,
  });
  const collect = (rolling_rate: DataCollectorSpec['rolling_rate'] = 'Hour', data = '"x"') => {
    const body = { parts: [Buffer.from(data)], type: 'application/json', isJson: true };
    const collected = { endpoint: 'shop', deployment: 'blue', requestId: 'r', request: body, response: body };
    collector.collect(collected, {
      ...spec,
      rolling_rate,
      collections: { request: { enabled: true } } as typeof spec.collections,
    });
  };
  return { collector, collect, counts, log };
}

test('another file each minute, hour, day, month or year', async (t) => {
  const folder = folderFor(t);
  const { collector, collect } = collectorIn(folder, { now: () => new Date('2026-02-03T04:05:06Z') });
  for (const rate of ['Minute', 'Hour', 'Day', 'Month', 'Year'] as const) collect(rate);
  await collector.close();
  assert.deepEqual(
    globSync('**/*.jsonl', { cwd: folder })
      .map((file) => file.replace(/[\w-]+\.jsonl$/, ''))
      .sort(),
    ['2026/', '2026/02/', '2026/02/03/', '2026/02/03/04/', '2026/02/03/04/05/'].map((part) => `request/${part}`),
  );
});

test('what cannot be written is dropped and told once, and fails nothing', async (t) => {
  const folder = folderFor(t);
  const { collector, collect, counts, log } = collectorIn(folder);
  // A file stands where the folder should be.
  writeFileSync(join(folder, 'request'), '');
  collect();
  await collector.close();
  collect();
  await collector.close();
  assert.deepEqual(counts, { kept: 0, dropped: 2 });
  assert.deepEqual(log, ['collected data cannot be written and is dropped']);
  rmSync(join(folder, 'request'));
  collect();
  await collector.close();
  assert.deepEqual(counts, { kept: 1, dropped: 2 });
  assert.equal(log.length, 2);
  assert.equal(rowsOf(folder).length, 1);
});

test('a disk that is full has whole lines, and takes more when there is room again', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-full-'));
  const mount = (how: string) => spawnSync('mount', ['-t', 'tmpfs', '-o', how, 'tmpfs', folder]).status === 0;
  const isMounted = mount('size=256k');
  t.after(() => {
    if (isMounted) spawnSync('umount', ['--lazy', folder]);
    rmSync(folder, { recursive: true });
  });
  if (!isMounted) return t.skip('a small file system cannot be mounted here');
  const { collector, collect, counts } = collectorIn(folder);
  for (let i = 0; i < 5; i++) {
    collect('Year', `"${'x'.repeat(90_000)}"`);
    await collector.close();
  }
  assert.deepEqual(counts, { kept: 2, dropped: 3 });
  assert.equal(rowsOf(folder).length, 2);
  assert.ok(mount('remount,size=1m'));
  collect('Year', `"${'x'.repeat(90_000)}"`);
  await collector.close();
  assert.equal(counts.kept, 3);
  assert.equal(rowsOf(folder).length, 3);
});

test('what comes faster than it is written is bounded', async (t) => {
  const folder = folderFor(t);
  const { collector, collect, counts } = collectorIn(folder, { mostWaiting: 10_000 });
  for (let i = 0; i < 20; i++) collect('Day', `"${'x'.repeat(1000)}"`);
  const dropped = counts.dropped;
  assert.ok(dropped > 8 && dropped < 15, `${dropped}`);
  await collector.close();
  assert.deepEqual(counts, { kept: 20 - dropped, dropped });
  collect();
  await collector.close();
  assert.equal(rowsOf(folder).length, 21 - dropped);
});
