import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Instance, startInstance } from '@fovea/serving/instance';
import fc from 'fast-check';
import { pino } from 'pino';
import sharp from 'sharp';
import {
  ask,
  endpointOf,
  FakeDeployment,
  fakeInstance,
  gatewayFor,
  opened,
  scoring,
  type TestGateway,
  until,
  whole,
} from '../../fixtures/asked-gateway.ts';
import { rawClient } from '../../fixtures/raw-client.ts';

const body = scoring('AAAA');
const head = 'POST /shop/score HTTP/1.1\r\nhost: x\r\nauthorization: Bearer right\r\n';

test('a thousand connections that say nothing hold nobody up, and are closed', async (t) => {
  const endpoints = [endpointOf('shop', [new FakeDeployment('blue', await fakeInstance(t, 'a'))])];
  const gateway = await gatewayFor(t, endpoints, { limits: { receiveTimeoutMs: 2000 } });
  const idle = Array.from({ length: 1000 }, async () => {
    const socket = await opened(gateway);
    return { closed: once(socket.resume(), 'close') };
  });
  const closed = (await Promise.all(idle)).map((one) => one.closed);
  const begun = performance.now();
  for (let i = 0; i < 20; i++) assert.equal((await ask(gateway, { body })).status, 200);
  assert.ok(performance.now() - begun < 10_000);
  await Promise.all(closed);
});

test('requests that never end are ended, and hold nobody up', async (t) => {
  const instance = await fakeInstance(t, 'a');
  const endpoints = [endpointOf('shop', [new FakeDeployment('blue', instance)])];
  const gateway = await gatewayFor(t, endpoints, { limits: { receiveTimeoutMs: 1500 } });
  const beginnings = [
    ...['POST /sc', `${head}more: `, `${head}content-length: 999\r\n\r\n{`],
    `${head}transfer-encoding: chunked\r\n\r\n5\r\n{`,
  ];
  const slow = await Promise.all(Array.from({ length: 60 }, () => opened(gateway)));
  const drip = setInterval(() => {
    for (const socket of slow) if (socket.writable) socket.write('a');
  }, 200);
  const ends = slow.map((socket, i) => {
    socket.write(beginnings[i % beginnings.length]);
    return whole(socket);
  });
  assert.equal((await ask(gateway, { body })).status, 200);
  const answers = await Promise.all(ends);
  clearInterval(drip);
  for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 40[08] [\s\S]*"code":"(RequestTimeout|BadRequest)"/);
  assert.ok(answers.filter((answer) => answer.startsWith('HTTP/1.1 408')).length >= 45);
  assert.equal(instance.got.length, 1);
  await until(() => gateway.log.some(({ status }) => status === 408));
  await until(async () =>
    /^fovea_gateway_request_bytes_held 0$/m.test((await ask(gateway, { path: '/metrics' })).text),
  );
});

test('what is no HTTP, or two requests in one, reaches no instance', async (t) => {
  const instance = await fakeInstance(t, 'a');
  const gateway = await gatewayFor(t, [endpointOf('shop', [new FakeDeployment('blue', instance)])]);
  const hidden = 'POST /shop/score HTTP/1.1\r\nhost: x\r\nauthorization: Bearer right\r\ncontent-length: 0\r\n\r\n';
  for (const [sent, expected] of [
    ['hello\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\n\r\n', 400],
    ['GET / HTTP/9.9\r\nhost: x\r\n\r\n', 400],
    [`${head}x: ${'a'.repeat(40_000)}\r\n\r\n`, 431],
    [`${head}${'x: y\r\n'.repeat(10_000)}\r\n`, 431],
    [`GET /${'a'.repeat(40_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, 431],
    [`${head}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`, 400],
    [`${head}transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n${hidden}`, 400],
    [`${head}content-length: 4\r\ncontent-length: 5\r\n\r\naaaaa${hidden}`, 400],
    [`${head}content-length: 4, 4\r\n\r\naaaa${hidden}`, 400],
    [`${head}content-length: -1\r\n\r\n${hidden}`, 400],
    [`${head}content-length: +4\r\n\r\naaaa${hidden}`, 400],
    [`${head}content-length: 0x4\r\n\r\naaaa${hidden}`, 400],
    [`${head}content-length: 99999999999999999999\r\n\r\naaaa${hidden}`, 400],
    [`${head}transfer-encoding: gzip, identity\r\n\r\n0\r\n\r\n${hidden}`, 400],
    [`${head}transfer-encoding : chunked\r\n\r\n0\r\n\r\n${hidden}`, 400],
    [`${head}transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n`, 400],
    [`${head}transfer-encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n`, 400],
    [`${head}x: a\nb: c\r\n\r\n`, 400],
    [`${head}a b: c\r\n\r\n`, 400],
    [`${head}x: a\0b\r\n\r\n`, 400],
    ['GET /shop/ score HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['CONNECT shop:443 HTTP/1.1\r\nhost: x\r\n\r\n', null],
  ] as const) {
    const socket = await opened(gateway);
    socket.end(sent);
    const answer = await whole(socket);
    const label = JSON.stringify(sent.slice(0, 120));
    if (expected === null) assert.equal(answer, '', label);
    else assert.ok(answer.startsWith(`HTTP/1.1 ${expected} `), `${label}: ${answer.slice(0, 100)}`);
    assert.equal(answer.match(/HTTP\/1\.1 \d/g)?.length ?? 0, expected === null ? 0 : 1, label);
  }
  assert.equal(instance.got.length, 0);
  assert.equal((await ask(gateway, { body })).status, 200);
});

test('requests that come before their predecessors are answered have their answers in order', async (t) => {
  const instance = await fakeInstance(t, 'a');
  const gateway = await gatewayFor(t, [endpointOf('shop', [new FakeDeployment('blue', instance)])]);
  const socket = await opened(gateway);
  const one = (id: number, key = 'right', more = '') =>
    `${head.replace('right', key)}x-request-id: r${id}\r\n${more}content-length: 2\r\n\r\n{}`;
  const upgrade = 'upgrade: websocket\r\nconnection: upgrade, x-request-id\r\n';
  socket.write(one(1) + one(2, 'wrong') + one(3, 'right', upgrade));
  const answers = await whole(socket);
  assert.deepEqual(answers.match(/HTTP\/1\.1 \d+|x-request-id: r\d/g), [
    ...['HTTP/1.1 200', 'x-request-id: r1', 'HTTP/1.1 401', 'x-request-id: r2', 'HTTP/1.1 200', 'x-request-id: r3'],
  ]);
  assert.equal(instance.got.length, 2);
  assert.equal(instance.got[1].headers.upgrade, undefined);
});

describe('bodies', () => {
  test('that are larger than they may be are not held, whether they say so or not', async (t) => {
    const instance = await fakeInstance(t, 'a');
    const blue = new FakeDeployment('blue', instance);
    blue.maxRequestBytes = 2 ** 20;
    const gateway = await gatewayFor(t, [endpointOf('shop', [blue])]);
    const large = Buffer.alloc(3 * 2 ** 20, 'a');
    const announced = await ask(gateway, { body: large });
    assert.deepEqual([announced.status, announced.json.error.code], [413, 'RequestTooLarge']);
    assert.match(announced.json.error.message, /larger than 1,048,576 bytes/);
    const chunked = await ask(gateway, { body: large, headers: { 'transfer-encoding': 'chunked' } });
    assert.equal(chunked.status, 413);
    assert.equal((await ask(gateway, { body: large, key: 'wrong' })).status, 401);
    assert.equal((await ask(gateway, { body: Buffer.alloc(2 ** 20, ' ') })).status, 200);
    assert.equal(instance.got.length, 1);
    // One that goes on for ever is cut off.
    const endless = await opened(gateway);
    endless.write(`${head}transfer-encoding: chunked\r\n\r\n`);
    const chunk = `100000\r\n${'a'.repeat(2 ** 20)}\r\n`;
    endless.resume();
    let sent = 0;
    while (endless.writable && sent < 2000) {
      await new Promise((resolve) => endless.write(chunk, resolve));
      sent++;
    }
    assert.ok(sent < 1000, `${sent} MiB were taken`);
  });

  test('of many requests together are bounded', async (t) => {
    const instance = await fakeInstance(t, 'a');
    const endpoints = [endpointOf('shop', [new FakeDeployment('blue', instance)])];
    const gateway = await gatewayFor(t, endpoints, { limits: { maxHeldBytes: 100_000 } });
    const slow = await opened(gateway);
    slow.write(`${head}content-length: 95000\r\n\r\n${' '.repeat(90_000)}`);
    const held = async () =>
      /^fovea_gateway_request_bytes_held (\d+)$/m.exec((await ask(gateway, { path: '/metrics' })).text)?.[1];
    await until(async () => (await held()) === '90000');
    const refused = await ask(gateway, { body: ' '.repeat(20_000) });
    assert.deepEqual(
      [refused.status, refused.json.error.code, refused.headers['retry-after']],
      [429, 'TooManyRequests', '1'],
    );
    slow.destroy();
    await until(async () => (await held()) === '0');
    assert.equal((await ask(gateway, { body: ' '.repeat(20_000) })).status, 200);
    await until(async () => (await held()) === '0');
  });
});

describe('with a real instance', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-hostile-'));
  const works: (() => Promise<void>)[] = [];
  let instance: Instance;
  let gateway: TestGateway;
  let good: string;
  before(async () => {
    const model = fileURLToPath(new URL('../../../serving/fixtures/colours', import.meta.url));
    const socket = join(folder, 'instance.sock');
    instance = await startInstance(
      { model, socket, threads: 1, maxConcurrentRequestsPerInstance: 64, deployment: 'blue' },
      { log: pino({ level: 'silent' }) },
    );
    const deployments = [new FakeDeployment('blue', { id: 'a', socket })];
    const endpoints = [endpointOf('shop', deployments), endpointOf('till', deployments, { keys: ['till-key'] })];
    gateway = await gatewayFor({ after: (work: () => Promise<void>) => void works.push(work) }, endpoints);
    const picture = await sharp({ create: { width: 2, height: 2, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    good = scoring(picture.toString('base64'));
  });
  after(async () => {
    for (const work of works) await work();
    await instance.drain();
    rmSync(folder, { recursive: true });
  });

  const lives = async () => {
    const { status, json } = await ask(gateway, { body: good });
    assert.deepEqual([status, json[0].labels], [200, ['red', 'green', 'blue']]);
    assert.ok(!gateway.log.some(({ level }) => Number(level) >= 50), JSON.stringify(gateway.log.at(-1)));
  };

  test('it answers through the gateway', async () => {
    await lives();
    const { json } = await ask(gateway, { path: '/shop/swagger.json?version=3' });
    assert.deepEqual(Object.keys(json.paths), ['/', '/score']);
    assert.deepEqual(json.servers, [{ url: `${gateway.url}/shop` }]);
    const { text } = await ask(gateway, { path: '/metrics' });
    assert.match(
      text,
      /^fovea_requests_total\{route="\/score",status="200",endpoint="shop",deployment="blue",instance="0"\} \d+$/m,
    );
  });

  test('20,000 odd requests are answered or told what is wrong with them', async () => {
    const seeds = [good, JSON.stringify({ input_data: { data: [], columns: ['image'] } }), '', '{}'].map((text) =>
      Buffer.from(text),
    );
    const odd = fc.string({ unit: 'binary', maxLength: 20 });
    /** As it should be, more often than not: what is wrong in one place is seen when the others are right. */
    const mostly = <Value>(right: Value, ...others: fc.Arbitrary<Value>[]) =>
      fc.oneof({ weight: 7, arbitrary: fc.constant(right) }, ...others);
    const cases = fc.sample(
      fc.record({
        method: mostly('POST', fc.constantFrom('GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE')),
        path: mostly(
          '/shop/score',
          fc.constantFrom(
            ...['/till/score', '/shop/', '/shop', '/shop/score/', '/shop/swagger.json', '/healthz', '/metrics/', '/'],
            ...[
              '/%2e%2e/',
              '/../../etc/passwd',
              '/shop/%00',
              '//shop//score',
              '/shop/score?a=b#c',
              '*',
              '/constructor/score',
            ],
            ...[
              '/shop/swagger.json?version=3',
              '/shop/swagger.json?version=%',
              'http://x/shop/score',
              `/${'a'.repeat(9000)}`,
            ],
          ),
          odd.map((text) => `/${text.replace(/[\r\n ]/g, '')}`),
        ),
        key: mostly<string | null>('Bearer right', fc.constantFrom('Bearer till-key', 'Bearer', 'right', null), odd),
        deployment: mostly<string | null>(null, fc.constantFrom('blue', 'green', '', '__proto__'), odd),
        type: mostly(
          'application/json',
          fc.constantFrom('image/png', 'text/plain', 'application/x+json;q=1', ';'),
          odd,
        ),
        more: mostly(
          '',
          fc.constantFrom(
            ...['content-encoding: gzip\r\n', 'x-request-id: 1\r\n', 'host: y\r\n', 'connection: close\r\n'],
            ...[
              'expect: 100-continue\r\n',
              'x-ms-client-request-id: \x7f\r\n',
              'upgrade: h2c\r\nconnection: upgrade\r\n',
            ],
          ),
        ),
        seed: mostly(0, fc.nat(seeds.length - 1)),
        edit: fc.option(
          fc.record({
            at: fc.double({ min: 0, max: 1, noNaN: true }),
            cut: fc.nat(20),
            put: fc.oneof(
              fc.uint8Array({ maxLength: 8 }),
              fc.json({ maxDepth: 1 }).map((text) => Buffer.from(text)),
            ),
          }),
        ),
      }),
      { numRuns: 20_000, seed: 7 },
    );
    const counts = new Map<number, number>();
    const queue = cases.values();
    const client = async () => {
      const raw = rawClient(gateway);
      for (const { method, path, key, deployment, type, more, seed, edit } of queue) {
        const { at, cut, put } = edit ?? { at: 0, cut: 0, put: Buffer.alloc(0) };
        const text = seeds[seed];
        const place = Math.floor(at * text.length);
        const sent = Buffer.concat([text.subarray(0, place), put, text.subarray(place + cut)]);
        const lines = [
          ...[`${method} ${path} HTTP/1.1`, 'host: x', `content-type: ${type}`, `content-length: ${sent.length}`],
          ...(key === null ? [] : [`authorization: ${key}`]),
          ...(deployment === null ? [] : [`azureml-model-deployment: ${deployment}`]),
        ];
        const question = Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n${more}\r\n`), sent]);
        const status = await raw.ask(question, method === 'HEAD');
        counts.set(status, (counts.get(status) ?? 0) + 1);
        // They are whole and small: none is too slow (408), and none makes the model fail (424).
        assert.ok(
          (status >= 200 && status < 408) || [415, 431].includes(status),
          `${status} for ${JSON.stringify(String(question))}`,
        );
      }
      raw.close();
    };
    await Promise.all(Array.from({ length: 16 }, client));
    for (const status of [200, 400, 401, 404, 405])
      assert.ok((counts.get(status) ?? 0) > 100, JSON.stringify([...counts]));
    await lives();
  });

  test('2,000 requests with damaged bytes', async () => {
    const whole = Buffer.from(
      `${head}content-type: application/json\r\nx-request-id: abc\r\ntransfer-encoding: chunked\r\n\r\n${good.length.toString(16)}\r\n${good}\r\n0\r\n\r\n`,
    );
    const cases = fc.sample(
      fc.record({
        edits: fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), {
          minLength: 1,
          maxLength: 4,
        }),
        cut: fc.option(fc.nat(whole.length), { freq: 3 }),
      }),
      { numRuns: 2000, seed: 5 },
    );
    const queue = cases.values();
    const client = async () => {
      for (const { edits, cut } of queue) {
        const bytes = Buffer.from(whole);
        for (const [at, value] of edits) bytes[Math.floor(at ** 2 * bytes.length)] = value;
        const raw = rawClient(gateway);
        const status = await raw.ask(bytes.subarray(0, cut ?? bytes.length), false, { end: true });
        raw.close();
        // 0: the connection was closed without a word, as for what was no request when it ended.
        assert.ok(
          status === 0 || (status >= 200 && status < 500 && status !== 424),
          `${status} for ${JSON.stringify(String(bytes))}`,
        );
      }
    };
    await Promise.all(Array.from({ length: 8 }, client));
    await lives();
  });

  test('10,000 wrong keys', async () => {
    const raw = rawClient(gateway);
    for (let i = 0; i < 100; i++) {
      const wrong = Array.from(
        { length: 100 },
        (_, n) => `${head.replace('right', `righ${i}-${n}`)}content-length: 2\r\n\r\n{}`,
      );
      assert.equal(await raw.ask(Buffer.from(wrong.join('')), false, { answers: wrong.length }), 401);
    }
    raw.close();
    await lives();
  });
});
