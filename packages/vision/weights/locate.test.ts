import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type LocateOptions, locateWeights } from './locate.ts';
import { huggingFace, torchvision, type WeightSource } from './source.ts';
import { WeightsError, type WeightsErrorCode } from './weights-error.ts';

const CONTENT = Buffer.alloc(300_000, 'weights ');
const DIGEST = createHash('sha256').update(CONTENT).digest('hex');
const PUBLISHED = torchvision(`tinynet-${DIGEST.slice(0, 8)}.pth`, { licence: 'BSD-3-Clause' });

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-weights-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The source as a real server on this machine publishes it, and how often it was asked. */
async function publish(
  t: TestContext,
  answer: RequestListener,
): Promise<{ source: WeightSource; requests: string[]; base: string }> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { source: { ...PUBLISHED, url: `${base}/models/${PUBLISHED.file}` }, requests, base };
}

const whole: RequestListener = (_, response) => {
  response.setHeader('content-length', CONTENT.length);
  response.end(CONTENT);
};

/** A cache in a folder of its own, and nothing of this machine's environment. */
function isolated(
  t: TestContext,
  env: Record<string, string> = {},
): LocateOptions & { env: Record<string, string>; cacheFolder: string } {
  return { env, cacheFolder: join(temporary(t), 'cache', 'fovea', 'weights') };
}

async function failsWith(work: Promise<unknown>, code: WeightsErrorCode, message: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof WeightsError, String(error));
    assert.match(error.message, message);
    assert.equal(error.code, code);
    return true;
  });
}

const filesIn = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder, { recursive: true }).map(String) : [];

test('a download arrives whole, is told as it goes, and is not fetched twice', async (t) => {
  const { source, requests } = await publish(t, whole);
  const options = isolated(t);
  const progress: [number, number | undefined][] = [];
  const first = await locateWeights(source, { ...options, onProgress: (...at) => progress.push(at) });
  assert.deepEqual(first, { path: join(options.cacheFolder, source.file), origin: 'download', warnings: [] });
  assert.deepEqual(readFileSync(first.path), CONTENT);
  assert.deepEqual(progress.at(-1), [CONTENT.length, CONTENT.length]);
  assert.ok(progress.every(([done], i) => i === 0 || done > progress[i - 1][0]));
  assert.equal((await locateWeights(source, options)).origin, 'cache');
  assert.deepEqual(requests, [`/models/${source.file}`]);
  assert.deepEqual(filesIn(options.cacheFolder), [source.file]);
});

test('the cache is where XDG says', async (t) => {
  const { source } = await publish(t, whole);
  const home = temporary(t);
  const { path } = await locateWeights(source, { env: { XDG_CACHE_HOME: home } });
  assert.equal(path, join(home, 'fovea', 'weights', source.file));
});

test('redirections are followed, and a length that is not said is no fault', async (t) => {
  const { source } = await publish(t, (request, response) => {
    if (request.url?.startsWith('/models/')) response.writeHead(302, { location: '/elsewhere' }).end();
    else response.write(CONTENT, () => response.end());
  });
  const progress: (number | undefined)[] = [];
  const found = await locateWeights(source, { ...isolated(t), onProgress: (_, total) => progress.push(total) });
  assert.deepEqual(readFileSync(found.path), CONTENT);
  assert.equal(progress[0], undefined);
});

test('what cannot be fetched is named with its address, its place and its licence', async (t) => {
  const { source } = await publish(t, (_, response) => response.writeHead(404).end('no'));
  const options = isolated(t);
  await failsWith(
    locateWeights(source, options),
    'unavailable',
    /tinynet-\w+\.pth: is not on this machine, and http:.* answered 404 Not Found/,
  );
  await failsWith(
    locateWeights(source, options),
    'unavailable',
    new RegExp(`fetch {2}${source.url} .*licence BSD-3-Clause`),
  );
  await failsWith(
    locateWeights(source, options),
    'unavailable',
    new RegExp(`save {3}${join(options.cacheFolder, source.file)} .*FOVEA_WEIGHTS`),
  );
  assert.deepEqual(filesIn(options.cacheFolder), []);
});

test('no network: the same, with the reason', async (t) => {
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address() as AddressInfo;
  await new Promise((closed) => free.close(closed));
  const unreachable = { ...PUBLISHED, url: `http://127.0.0.1:${port}/models/${PUBLISHED.file}` };
  await failsWith(
    locateWeights(unreachable, isolated(t)),
    'unavailable',
    /127\.0\.0\.1:\d+ cannot be reached: connect ECONNREFUSED/,
  );
  const behindProxy = isolated(t, { HTTPS_PROXY: 'http://me:secret@proxy:3128' });
  await failsWith(
    locateWeights(unreachable, behindProxy),
    'unavailable',
    /NODE_USE_ENV_PROXY=1 to fetch through the proxy http:\/\/proxy:3128/,
  );
});

test('FOVEA_OFFLINE=1 asks nobody', async (t) => {
  const { source, requests } = await publish(t, whole);
  await failsWith(
    locateWeights(source, isolated(t, { FOVEA_OFFLINE: '1' })),
    'unavailable',
    /FOVEA_OFFLINE=1 forbids to fetch it/,
  );
  assert.equal(requests.length, 0);
});

test('a connection that breaks half way leaves nothing, and the next try succeeds', async (t) => {
  let broken = true;
  const { source } = await publish(t, (request, response) => {
    if (!broken) return whole(request, response);
    response.setHeader('content-length', CONTENT.length);
    response.write(CONTENT.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 20));
  });
  const options = isolated(t);
  await failsWith(
    locateWeights(source, options),
    'unavailable',
    /the connection to 127\.0\.0\.1:\d+ broke after [\d,]+ of 300,000 bytes/,
  );
  assert.deepEqual(filesIn(options.cacheFolder), []);
  broken = false;
  assert.equal((await locateWeights(source, options)).origin, 'download');
});

test('more or less than announced never becomes a file', async (t) => {
  const { source } = await publish(t, (_, response) => {
    response.socket?.end(`HTTP/1.1 200 OK\r\ncontent-length: 10\r\nconnection: close\r\n\r\n${'x'.repeat(5)}`);
  });
  const options = isolated(t);
  await failsWith(locateWeights(source, options), 'unavailable', /broke after \d+ of 10 bytes/);
  assert.deepEqual(filesIn(options.cacheFolder), []);
});

test('another content than the published one is refused with both hashes', async (t) => {
  const other = Buffer.from('<html>please log in</html>');
  const { source } = await publish(t, (_, response) => response.end(other));
  const options = isolated(t);
  const digest = createHash('sha256').update(other).digest('hex');
  await failsWith(
    locateWeights(source, options),
    'corrupt',
    new RegExp(`should begin with ${source.sha256}, but is ${digest}`),
  );
  assert.deepEqual(filesIn(options.cacheFolder), []);
});

test('an encrypted address does not lead to an open one', async (t) => {
  const { source, base } = await publish(t, whole);
  const fetch = async () => globalThis.fetch(`${base}/models/x`);
  const secret = { ...source, url: 'https://example.org/x' };
  await failsWith(
    locateWeights(secret, { ...isolated(t), fetch }),
    'unavailable',
    /leads to http:\/\/127.*not encrypted/,
  );
});

test('a stop while it downloads stops at once and leaves nothing', async (t) => {
  const { source } = await publish(t, (_, response) => void response.write(CONTENT.subarray(0, 1000)));
  const stop = new AbortController();
  const options = {
    ...isolated(t),
    signal: stop.signal,
    onProgress: () => stop.abort(new Error('the person pressed Ctrl-C')),
  };
  await assert.rejects(locateWeights(source, options), /the person pressed Ctrl-C/);
  assert.deepEqual(filesIn(options.cacheFolder), []);
});

test('a cache that cannot be written is said', async (t) => {
  const { source } = await publish(t, whole);
  const folder = temporary(t);
  writeFileSync(join(folder, 'file'), '');
  await failsWith(
    locateWeights(source, { env: {}, cacheFolder: join(folder, 'file', 'cache') }),
    'unwritable',
    /it cannot be kept in .*cache: ENOTDIR/,
  );
});

test('a damaged cached file is fetched again, or refused without network', async (t) => {
  const { source } = await publish(t, whole);
  const options = isolated(t);
  const cached = join(options.cacheFolder, source.file);
  mkdirSync(dirname(cached), { recursive: true });
  writeFileSync(cached, 'damaged');
  await failsWith(
    locateWeights(source, { ...options, env: { FOVEA_OFFLINE: '1' } }),
    'corrupt',
    /is not the published file: its SHA-256 should begin with/,
  );
  const found = await locateWeights(source, options);
  assert.match(found.warnings[0], /is not the published file.*it was fetched again/);
  assert.deepEqual(readFileSync(cached), CONTENT);
});

test('the folder of the person comes before the cache and the network', async (t) => {
  const { source, requests } = await publish(t, whole);
  const folder = temporary(t);
  const options = isolated(t, { FOVEA_WEIGHTS: folder });
  await locateWeights(source, { ...options, env: {} });
  writeFileSync(join(folder, source.file), CONTENT);
  assert.deepEqual(await locateWeights(source, options), {
    path: join(folder, source.file),
    origin: 'folder',
    warnings: [],
  });
  assert.equal(requests.length, 1);
});

test('a converted file in the folder is taken as it is; a changed one with a warning', async (t) => {
  const folder = temporary(t);
  const options = isolated(t, { FOVEA_WEIGHTS: folder, FOVEA_OFFLINE: '1' });
  const stem = PUBLISHED.file.replace('.pth', '');
  writeFileSync(join(folder, `${stem}.safetensors`), 'converted');
  const converted = await locateWeights(PUBLISHED, options);
  assert.deepEqual([converted.path, converted.warnings], [join(folder, `${stem}.safetensors`), []]);
  writeFileSync(join(folder, PUBLISHED.file), 'changed');
  const changed = await locateWeights(PUBLISHED, options);
  assert.equal(changed.path, join(folder, PUBLISHED.file));
  assert.match(changed.warnings[0], /should begin with \w{8}, but is \w{64}; it is used as it is/);
});

test('a file of the Hub is found under the name of its repository', async (t) => {
  const folder = temporary(t);
  const options = isolated(t, { FOVEA_WEIGHTS: folder, FOVEA_OFFLINE: '1' });
  const source = huggingFace('timm/tinynet', 'model.safetensors', { licence: 'MIT' });
  writeFileSync(join(folder, 'model.safetensors'), 'of another repository');
  await failsWith(
    locateWeights(source, options),
    'unavailable',
    /save .*timm\/tinynet\/model\.safetensors .*FOVEA_WEIGHTS; tinynet\/model\.safetensors and tinynet\.safetensors would do/,
  );
  writeFileSync(join(folder, 'tinynet.safetensors'), '');
  assert.equal((await locateWeights(source, options)).path, join(folder, 'tinynet.safetensors'));
});

test('names that the person gave must be there', async (t) => {
  const folder = temporary(t);
  const mine = join(folder, 'mine.pth');
  await failsWith(locateWeights(PUBLISHED, { path: mine }), 'not-found', /mine\.pth: there is no such file/);
  writeFileSync(mine, '');
  assert.deepEqual(await locateWeights(PUBLISHED, { path: mine }), { path: mine, origin: 'given', warnings: [] });
  const options = isolated(t, { FOVEA_WEIGHTS: join(folder, 'nowhere') });
  await failsWith(
    locateWeights(PUBLISHED, options),
    'not-found',
    /FOVEA_WEIGHTS names this folder, but it is not there/,
  );
});
