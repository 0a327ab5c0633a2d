import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { remoteWorkspace } from '../fixtures/remote-workspace.ts';
import { ownCertificate } from '../server/certificate.ts';
import { RequestRate } from '../server/request-rate.ts';
import type { AssetRow } from '../store/index.ts';
import { protocol, protocolHeader } from '../wire/protocol.ts';
import { openRemoteRegistry, openRemoteWorkspace, type ServerAddress } from './index.ts';

/** A server that answers as it likes. */
async function oddServer(t: TestContext, answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-odd-'));
  const { cert, key, authority } = await ownCertificate(folder, '127.0.0.1');
  const server = createServer({ cert, key }, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const { port } = server.address() as AddressInfo;
  const address: ServerAddress = { url: `https://localhost:${port}`, token: null, ca: authority ?? '' };
  const workspace = await openRemoteWorkspace(address);
  const registry = await openRemoteRegistry(address);
  t.after(() => Promise.all([workspace.close(), registry.close()]));
  return { folder, address, workspace, registry };
}

const says = (body: unknown, { status = 200, version = protocol as number | null } = {}) => {
  const headers = {
    'content-type': 'application/json',
    ...(version !== null && { [protocolHeader]: String(version) }),
  };
  return (_: IncomingMessage, response: ServerResponse) =>
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
};

test('a server that cannot be asked is told in words that say what to do', async (t) => {
  const { address, ca } = await remoteWorkspace(t);
  const asked = async (other: Partial<ServerAddress>) => {
    const workspace = await openRemoteWorkspace({ ...address('reader'), ...other });
    try {
      return await workspace.jobs();
    } finally {
      await workspace.close();
    }
  };
  assert.deepEqual(await asked({}), []);
  await assert.rejects(asked({ ca: undefined }), /does not trust; take .*tls\/ca\.pem of the server.*--ca.*FOVEA_CA/);
  await assert.rejects(asked({ token: null }), /wants a token that it knows: fovea token create/);
  await assert.rejects(asked({ token: `fovea.me.${'x'.repeat(43)}` }), /wants a token that it knows/);
  await assert.rejects(
    asked({ url: 'https://localhost:1' }),
    /^\S+ https:\/\/localhost:1 refuses connections: is fovea serve running/,
  );
  await assert.rejects(asked({ url: 'http://localhost' }), /asked over https/);
  for (const url of [
    'localhost:7040',
    'https://',
    'https://me:secret@localhost',
    'https://localhost/path',
    'file:///x',
  ])
    await assert.rejects(asked({ url }), { name: 'Refusal' }, url);
  await assert.rejects(asked({ ca: join(ca, 'not') }), /cannot be read/);
  await assert.rejects(asked({ ca: import.meta.filename }), /has no certificate in it/);
});

test('whoever asks too often waits as long as the server says', async (t) => {
  const { address, log } = await remoteWorkspace(t, { rate: new RequestRate(2, 2) });
  const workspace = await openRemoteWorkspace(address('reader'));
  t.after(() => workspace.close());
  for (let i = 0; i < 4; i++) assert.deepEqual(await workspace.jobs(), []);
  assert.ok(log.some(({ status }) => status === 429));
});

test('what is no server of this fovea is told so', async (t) => {
  const cases: [ReturnType<typeof says>, RegExp][] = [
    [says('<html>', { version: null }), /does not answer as a server of this fovea \(200\)/],
    [says({ error: {} }, { status: 404, version: null }), /no fovea serve, or one of an older fovea/],
    [says({ value: [] }, { version: protocol + 1 }), /the fovea of this machine is older .* update this machine/],
    [says({ error: {} }, { version: 0.5, status: 400 }), /the fovea of the server is older .* update the server/],
    [
      says({ error: { code: 'x', message: 'the database is gone' } }, { status: 500 }),
      /failed \(500\): the database is gone/,
    ],
    [says('not json', { status: 500 }), /failed \(500\)/],
  ];
  for (const [answer, words] of cases) {
    const { workspace } = await oddServer(t, answer);
    await assert.rejects(workspace.jobs(), words);
  }
});

test('a server cannot write outside of the folder that was named, nor give other files than it listed', async (t) => {
  const sha256 = '2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae';
  let listed: unknown[] = [];
  let content = 'foo';
  const { folder, registry, workspace } = await oddServer(t, (request, response) => {
    const path = request.url ?? '';
    if (/\/files|\/artefacts$/.test(path)) return says({ value: listed })(request, response);
    if (/\/file\?/.test(path)) return says(content)(request, response);
    return says({ name: '../../outside', trials: [] })(request, response);
  });
  const row = { name: 'm', version: '1' } as AssetRow;
  const to = join(folder, 'here');
  process.env.XDG_CACHE_HOME = join(folder, 'cache');
  t.after(() => delete process.env.XDG_CACHE_HOME);
  for (const path of [
    '../out',
    '/tmp/out',
    'a/../../out',
    'a\\..\\out',
    '..',
    '.',
    '',
    'a\0',
    'x'.repeat(5000),
    7,
    null,
  ]) {
    listed = [{ path, bytes: 3, sha256 }];
    for (const work of [registry.download(row, to), registry.fetchModel(row), workspace.artefacts('one_HD_0')])
      await assert.rejects(work, /names a file that cannot be/, String(path));
  }
  listed = [{ path: 'a', bytes: 3, sha256: '../../x' }];
  await assert.rejects(registry.fetchModel(row), /cannot be/);
  assert.equal(existsSync(to), false);
  await assert.rejects(workspace.job('mine'), /answers with another job than mine/);

  listed = [{ path: 'deep/a', bytes: 3, sha256 }];
  assert.equal(readFileSync(join(await registry.download(row, to), 'deep', 'a'), 'utf8'), 'foo');
  writeFileSync(join(to, 'm', 'deep', 'a'), 'mine');
  await assert.rejects(registry.download(row, to), /is there already; name another folder/);
  for (const [other, words] of [
    ['fox', /is not what its hash says/],
    ['foo and more', /longer than was listed/],
  ] as const) {
    content = other;
    const place = join(folder, `other ${other.length}`);
    mkdirSync(place);
    await assert.rejects(registry.download(row, place), words);
    assert.equal(existsSync(join(place, 'm', 'deep', 'a')), false);
  }
});
