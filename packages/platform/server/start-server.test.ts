import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { type TestContext, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { scopePath, servedWorkspace } from '../fixtures/served-workspace.ts';
import { ownCertificate } from './certificate.ts';
import { startServer } from './start-server.ts';

async function running(t: TestContext) {
  const { parts, place, bearer } = await servedWorkspace(t);
  const certificate = await ownCertificate(place.folder, '127.0.0.1');
  const server = await startServer(parts, certificate, { host: '127.0.0.1', port: 0 });
  t.after(() => server.close());
  const ca = readFileSync(certificate.authority ?? '');
  const port = Number(new URL(server.url).port);
  /** Sends bytes as they are, and reads until the server ends the connection or has answered. */
  const raw = (bytes: string | Buffer): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket: TLSSocket = connect({ host: '127.0.0.1', port, ca, servername: 'localhost' }, () =>
        socket.write(bytes),
      );
      let answer = '';
      socket.on('data', (chunk) => {
        answer += chunk;
        if (answer.includes('\r\n\r\n')) socket.end();
      });
      socket.on('close', () => resolve(answer));
      socket.on('error', (error: NodeJS.ErrnoException) =>
        error.code === 'ECONNRESET' || error.code === 'EPIPE' ? resolve(answer) : reject(error),
      );
    });
  const get = (path: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${bearer.reader}` };
      request({ host: 'localhost', port, path, ca, headers }, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode));
      })
        .on('error', reject)
        .end();
    });
  return { server, raw, get, port, ca, parts, place, certificate };
}

const jobs = `${scopePath}/jobs?api-version=2022-10-01`;

test('odd bytes on the wire are answered or hung up on, and the server goes on', async (t) => {
  const { raw, get } = await running(t);
  const head = 'host: localhost\r\n';
  const asked = [
    ...[
      '\0'.repeat(2000),
      'GET\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      `GET // HTTP/1.1\r\n${head}\r\n`,
      `GET * HTTP/1.1\r\n${head}\r\n`,
    ],
    ...[
      `GET https://evil.example/x HTTP/1.1\r\n${head}\r\n`,
      `OPTIONS * HTTP/1.1\r\n${head}\r\n`,
      `GET ${jobs} HTTP/1.1\r\n\r\n`,
    ],
    ...[
      `GET ${jobs} HTTP/1.1\r\nhost: a b\r\n\r\n`,
      `GET ${jobs} HTTP/1.1\r\nhost: [\r\n\r\n`,
      `GET /%00%ff HTTP/1.1\r\n${head}\r\n`,
    ],
    ...[
      `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n${head}\r\n`,
      `GET / HTTP/1.1\r\n${head}x: ${'b'.repeat(40_000)}\r\n\r\n`,
    ],
    `PUT ${jobs} HTTP/1.1\r\n${head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    `PUT ${jobs} HTTP/1.1\r\n${head}content-length: -1\r\n\r\n`,
    `PUT ${jobs} HTTP/1.1\r\n${head}transfer-encoding: chunked\r\n\r\nzz\r\n`,
    `CONNECT evil.example:443 HTTP/1.1\r\n${head}\r\n`,
    `GET ${jobs} HTTP/1.1\r\n${head}connection: upgrade\r\nupgrade: websocket\r\n\r\n`,
  ];
  for (const bytes of asked) {
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(await raw(bytes))?.[1] ?? 0);
    assert.ok(status < 500, `${status} for ${JSON.stringify(bytes.slice(0, 80))}`);
    assert.notEqual(status, 200, JSON.stringify(bytes.slice(0, 80)));
  }
  assert.equal(await get(jobs), 200);
});

test('a body that is too large is refused before it has come', async (t) => {
  const { raw, parts } = await running(t);
  const token = await parts.authority.tokens.create('big', 'owner', null);
  const head = `PUT ${scopePath}/jobs/j?api-version=2022-10-01 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\n`;
  assert.match(await raw(`${head}content-length: 99999999999\r\n\r\n{`), /^HTTP\/1\.1 413 /);
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
  assert.match(await raw(`${head}transfer-encoding: chunked\r\n\r\n${chunk.repeat(20)}`), /^HTTP\/1\.1 413 /);
});

test('a thousand connections that say nothing keep nobody else out', async (t) => {
  const { get, port, ca } = await running(t);
  const idle = await Promise.all(
    Array.from(
      { length: 1000 },
      () =>
        new Promise<TLSSocket>((resolve, reject) => {
          const socket = connect({ host: '127.0.0.1', port, ca, servername: 'localhost' }, () => resolve(socket));
          socket.on('error', reject);
        }),
    ),
  );
  t.after(() => {
    for (const socket of idle) socket.destroy();
  });
  for (const socket of idle.slice(0, 200)) socket.write('GET / HTTP/1.1\r\nx: ');
  assert.equal(await get(jobs), 200);
});

test('a certificate is renewed while the server goes on', async (t) => {
  const { server, port, ca, place, get } = await running(t);
  const shown = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, ca, servername: 'localhost' }, () => {
        resolve(socket.getPeerX509Certificate()?.subjectAltName ?? '');
        socket.destroy();
      }).on('error', reject);
    });
  assert.doesNotMatch(await shown(), /vision\.example/);
  server.renew(await ownCertificate(place.folder, 'vision.example'));
  assert.match(await shown(), /vision\.example/);
  assert.equal(await get(jobs), 200);
});

test('plain HTTP gets nothing, a port that is taken is named, and no tokens are for this machine alone', async (t) => {
  const { port, parts, certificate } = await running(t);
  await assert.rejects(fetch(`http://127.0.0.1:${port}/healthz`));
  await assert.rejects(startServer(parts, certificate, { host: '127.0.0.1', port }), /it is taken/);
  const open = { ...parts, authority: { ...parts.authority, noAuth: true } };
  await assert.rejects(startServer(open, certificate, { host: '0.0.0.0', port: 0 }), /its own machine only/);
});
