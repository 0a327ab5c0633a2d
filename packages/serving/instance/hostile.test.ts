import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { ask, base64, colour, explained, scoring, served } from '../fixtures/served.ts';
import type { Instance } from './index.ts';
import { RequestError } from './request-error.ts';
import { parseScoreRequest } from './score-request.ts';

/** A PNG whose header promises `width` × `height` pixels of grey. */
function png(width: number, height: number, rows: Buffer): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    const crc = Buffer.alloc(4);
    crc.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, crc]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([1, 0], 8);
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

const residentMiB = () => process.memoryUsage.rss() / 2 ** 20;

async function opened({ address }: Instance): Promise<Socket> {
  assert.ok('port' in address);
  const socket = connect(address.port, address.host);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function whole(socket: Socket): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part);
  return Buffer.concat(parts).toString();
}

describe('requests that mean no good', () => {
  let instance: Instance;
  let good: string;
  before(async () => {
    instance = await served('colours', { maxConcurrentRequestsPerInstance: 32, maxRequestBytes: 8 * 2 ** 20 });
    good = base64(await colour(1, 2, 3));
  });
  after(() => instance.drain());

  const lives = async () => {
    const { status } = await ask(instance, scoring(good));
    assert.equal(status, 200);
  };

  test('20,000 odd bodies are answered or told what is wrong with them', async () => {
    const seeds = [
      scoring(good, [good]).body,
      scoring(explained(Buffer.from(good, 'base64'), { n_steps: 5 })).body,
      JSON.stringify({
        input_data: { columns: ['image'], index: [0], data: ['https://example.org/a.png'] },
        params: {},
      }),
    ].map((text) => Buffer.from(text));
    const random = fc.sample(
      fc.record({
        seed: fc.nat(seeds.length - 1),
        at: fc.double({ min: 0, max: 1, noNaN: true }),
        cut: fc.nat(60),
        put: fc.oneof(
          fc.uint8Array({ maxLength: 12 }),
          fc.json().map((text) => Buffer.from(text)),
        ),
      }),
      { numRuns: 20_000, seed: 7 },
    );
    for (const { seed, at, cut, put } of random) {
      const text = seeds[seed];
      // Near the start, where the structure is, more often than in the middle of a picture.
      const place = Math.floor(at ** 3 * text.length);
      const body = Buffer.concat([text.subarray(0, place), put, text.subarray(place + cut)]);
      try {
        assert.ok(Array.isArray(parseScoreRequest(body)));
      } catch (error) {
        assert.ok(error instanceof RequestError, `${body}: ${error}`);
        assert.equal(error.status, 400);
      }
    }
  });

  test('anything at all that is JSON', () => {
    const element = fc.oneof(fc.string(), fc.json(), fc.base64String(), fc.jsonValue({ maxDepth: 3 }));
    const request = fc.record(
      {
        input_data: fc.record(
          { columns: fc.constantFrom(['image'], [], 'image'), index: fc.array(fc.nat()), data: fc.array(element) },
          { requiredKeys: ['data'] },
        ),
        params: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    const check = (value: unknown) => {
      try {
        parseScoreRequest(Buffer.from(JSON.stringify(value) ?? ''));
      } catch (error) {
        assert.ok(error instanceof RequestError && error.status === 400, String(error));
      }
    };
    fc.assert(fc.property(fc.oneof(request, fc.jsonValue({ maxDepth: 6 })), check), { numRuns: 5000, seed: 11 });
  });

  test('20,000 damaged pictures and requests on the route are never our fault', async () => {
    const base = await sharp({ create: { width: 12, height: 9, channels: 3, background: 'teal' } });
    const pictures = await Promise.all([
      base.clone().png().toBuffer(),
      base.clone().jpeg().toBuffer(),
      base.clone().webp().toBuffer(),
      base.clone().gif().toBuffer(),
      base.clone().tiff().toBuffer(),
    ]);
    const bmp = Buffer.alloc(54 + 12);
    bmp.write('BM');
    bmp.writeUInt32LE(66, 2);
    bmp.writeUInt32LE(54, 10);
    bmp.writeUInt32LE(40, 14);
    bmp.writeInt32LE(2, 18);
    bmp.writeInt32LE(1, 22);
    bmp.writeUInt16LE(1, 26);
    bmp.writeUInt16LE(24, 28);
    pictures.push(bmp);
    const edits = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), { maxLength: 6 });
    const cases = fc.sample(
      fc.record({
        picture: fc.nat(pictures.length - 1),
        edits,
        cut: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
        raw: fc.boolean(),
      }),
      { numRuns: 20_000, seed: 3 },
    );
    const counts = new Map<number, number>();
    const one = async ({ picture, edits: changes, cut, raw }: (typeof cases)[number]) => {
      const bytes = Buffer.from(pictures[picture]);
      // The first bytes say what it is, and are left alone.
      for (const [at, value] of changes) bytes[2 + Math.floor(at ** 2 * (bytes.length - 3))] = value;
      const body = bytes.subarray(0, cut === null ? bytes.length : Math.ceil(cut * bytes.length));
      const question = raw ? { body, headers: { 'content-type': 'image/*' } } : scoring(base64(body));
      const { status, text } = await ask(instance, question);
      counts.set(status, (counts.get(status) ?? 0) + 1);
      assert.ok(status === 200 || status === 400, `${status} ${text} for ${base64(body)}`);
    };
    const queue = cases.values();
    const client = async () => {
      for (const next of queue) await one(next);
    };
    await Promise.all(Array.from({ length: 16 }, client));
    assert.ok((counts.get(200) ?? 0) > 1000 && (counts.get(400) ?? 0) > 1000, JSON.stringify([...counts]));
    await lives();
  });

  test('brackets by the million, and values by the million', async () => {
    const before = residentMiB();
    const million = 2 ** 20;
    const inner = (text: string) => JSON.stringify({ input_data: { columns: ['image'], data: [text] } });
    for (const [body, message] of [
      ['['.repeat(7 * million), /more than 8 brackets inside of each other/],
      ['{"a":'.repeat(million), /more than 8 brackets/],
      [`[${'{},'.repeat(2 * million)}{}]`, /more than 200,000 values/],
      [`[${'0,'.repeat(3 * million)}0]`, /more than 200,000 values/],
      [`"${'\\"'.repeat(3 * million)}"`, /more than 200,000 values/],
      [inner('{"a":'.repeat(50_000)), /more than 8 brackets/],
      [inner(`{"xai_parameters":{${'"a":1,'.repeat(50_000)}"b":1}}`), /more than 1,000 values/],
      [`"${'\\\\'.repeat(3 * million)}`, /is not JSON/],
      [' '.repeat(7 * million), /is not JSON/],
      ['1'.repeat(7 * million), /should be an object/],
      [Buffer.alloc(1000, 0xff), /not UTF-8/],
      ['{"__proto__": {"input_data": {}}}', /"__proto__" is not known here/],
    ] as const) {
      const begun = performance.now();
      const { status, json } = await ask(instance, { body });
      assert.equal(status, 400);
      assert.match(json.error.message, message);
      assert.ok(json.error.message.length < 1000);
      assert.ok(performance.now() - begun < 5000);
    }
    assert.ok(residentMiB() - before < 600, `${residentMiB() - before} MiB`);
    await lives();
  });

  test('bodies that are larger than they may be are not read', async () => {
    const large = await ask(instance, { body: Buffer.alloc(9 * 2 ** 20, 'a') });
    assert.deepEqual([large.status, large.json.error.code], [413, 'RequestTooLarge']);
    // One that does not say how long it is.
    const socket = await opened(instance);
    socket.write('POST /score HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n');
    const chunk = `10000\r\n${'a'.repeat(65536)}\r\n`;
    const sending = (async () => {
      for (let i = 0; i < 200 && socket.writable; i++)
        if (!socket.write(chunk)) await Promise.race([once(socket, 'drain'), sleep(500)]);
    })();
    const [answer] = await once(socket, 'data');
    assert.match(String(answer), /^HTTP\/1\.1 413 /);
    await sending;
    socket.destroy();
    await lives();
  });

  test('pictures that promise more pixels than there are, or can be', async () => {
    const rows = (width: number, height: number) => Buffer.alloc((Math.ceil(width / 8) + 1) * height);
    const many = base64(png(60_000, 60_000, Buffer.alloc(100)));
    const cut = base64(png(9999, 9999, Buffer.alloc(100)));
    const { json, status } = await ask(instance, scoring(many));
    assert.equal(status, 400);
    assert.match(json.error.message, /60,000 × 60,000 pixels, more than can be opened/);
    const beyond = await ask(instance, scoring(base64(png(10_000, 10_001, Buffer.alloc(100)))));
    assert.equal(beyond.status, 400);
    assert.match(beyond.json.error.message, /10,000 × 10,001 pixels, more than this deployment takes \(100,000,000\)/);
    const small = scoring(good);
    const real = base64(png(9000, 9000, rows(9000, 9000)));
    const begun = performance.now();
    const bombs = Array.from({ length: 4 }, () => ask(instance, scoring(real)));
    const meanwhile = await ask(instance, small);
    const wait = performance.now() - begun;
    assert.equal(meanwhile.status, 200);
    const answers = await Promise.all([...bombs, ask(instance, scoring(cut))]);
    assert.ok(wait < (performance.now() - begun) / 2, `a small picture waited ${wait} ms for large ones`);
    assert.ok(
      answers.every(({ status }) => [200, 400, 408].includes(status)),
      String(answers.map(({ status }) => status)),
    );
    await lives();
  });

  test('pictures of odd shapes, and programs that pass for pictures', async () => {
    const shapes = [
      [1, 1],
      [1, 20_000],
      [20_000, 1],
      [3, 65_500],
    ] as const;
    for (const [width, height] of shapes) {
      const { status, text } = await ask(instance, scoring(base64(await colour(5, 5, 5, width, height))));
      assert.equal(status, 200, `${width} × ${height}: ${text}`);
    }
    for (const name of ['quarters', 'halves', 'rings']) {
      const detector = await served(name);
      for (const [width, height] of shapes) {
        const { status, text } = await ask(detector, scoring(base64(await colour(255, 0, 0, width, height))));
        // The graphs of two of them split an image into quarters, which a line of pixels has not.
        if (status === 400) assert.match(text, new RegExp(`does not take an image of ${width} × ${height} pixels`));
        else assert.equal(status, 200, text);
        assert.ok(status === 200 || (name !== 'halves' && width !== height), `${name}: ${width} × ${height}: ${text}`);
      }
      await detector.drain();
    }
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>';
    for (const program of [svg, `<?xml version="1.0"?>\n${svg}`, '%PDF-1.4\n', 'PK\x03\x04']) {
      const { status, json } = await ask(instance, scoring(Buffer.from(program).toString('base64')));
      assert.equal(status, 400);
      assert.match(json.error.message, /is not an image that can be read/);
    }
  });

  test('what is no HTTP', async () => {
    for (const [sent, expected] of [
      ['hello\r\n\r\n', /^HTTP\/1\.1 400 /],
      [`GET / HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(40_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
      [
        'POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n',
        /^HTTP\/1\.1 400 /,
      ],
      ['GET / HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 400 /],
    ] as const) {
      const socket = await opened(instance);
      socket.end(sent);
      assert.match(await whole(socket), expected);
    }
    await lives();
  });
});

test('requests that never end are ended, and hold nobody up', async () => {
  const instance = await served('colours', { receiveTimeoutMs: 700 });
  const heads = [
    'POST /sc',
    'POST /score HTTP/1.1\r\nhost: x\r\nmore: ',
    'POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 999\r\n\r\n{',
  ];
  const slow = await Promise.all(Array.from({ length: 60 }, () => opened(instance)));
  const drip = setInterval(() => {
    for (const socket of slow) if (socket.writable) socket.write('a');
  }, 200);
  const ends = slow.map((socket, i) => {
    socket.write(heads[i % 3]);
    return whole(socket);
  });
  const { status } = await ask(instance, scoring(base64(await colour(1, 2, 3))));
  assert.equal(status, 200);
  const answers = await Promise.all(ends);
  clearInterval(drip);
  for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 408 Request ?Timeout[\s\S]*"code":"RequestTimeout"/);
  await instance.drain();
});

test('a thousand connections that say nothing hold nobody up, and are closed', async () => {
  const instance = await served('colours', { receiveTimeoutMs: 4000 });
  const idle = await Promise.all(Array.from({ length: 1000 }, () => opened(instance)));
  const closed = Promise.all(idle.map((socket) => once(socket.resume(), 'close')));
  const begun = performance.now();
  const { status } = await ask(instance, scoring(base64(await colour(1, 2, 3))));
  assert.equal(status, 200);
  assert.ok(performance.now() - begun < 2000);
  await closed;
  await instance.drain();
});

test('bodies of many requests together are bounded', async () => {
  const instance = await served('colours', { maxHeldBytes: 100_000, receiveTimeoutMs: 5000 });
  const slow = await opened(instance);
  slow.write(`POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 95000\r\n\r\n${' '.repeat(90_000)}`);
  const held = async () =>
    /^fovea_request_bytes_held (\d+)$/m.exec((await ask(instance, { path: '/metrics' })).text)?.[1];
  while ((await held()) !== '90000') await sleep(5);
  const refused = await ask(instance, scoring(' '.repeat(20_000)));
  assert.deepEqual(
    [refused.status, refused.json.error.code, refused.headers['retry-after']],
    [429, 'TooManyRequests', '1'],
  );
  slow.destroy();
  while ((await held()) !== '0') await sleep(5);
  assert.equal((await ask(instance, scoring(base64(await colour(1, 2, 3))))).status, 200);
  await instance.drain();
});
