import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  ask,
  endpointOf,
  FakeDeployment,
  fakeInstance,
  fine,
  gatewayFor,
  opened,
  scoring,
  shop,
  until,
  whole,
} from '../../fixtures/asked-gateway.ts';
import { type Certificate, ownCertificate } from '../../server/certificate.ts';

const body = scoring('AAAA');

test('it ends when what it was asked is answered, and takes no more', async (t) => {
  const waiting: (() => void)[] = [];
  const { gateway } = await shop(t, (got, response, request) => void waiting.push(() => fine(got, response, request)));
  const idle = await opened(gateway);
  const idleEnds = whole(idle);
  const asked = ask(gateway, { body, agent: new Agent({ keepAlive: true }) });
  await until(() => waiting.length === 1);
  const closed = gateway.close();
  await assert.rejects(ask(gateway, { body }), /ECONNREFUSED/);
  for (const answer of waiting) answer();
  const { status, headers } = await asked;
  assert.deepEqual([status, headers.connection], [200, 'close']);
  idle.destroy();
  await Promise.all([closed, gateway.close(), idleEnds.catch(() => {})]);
});

test('ports that are taken, and certificates that do not fit', async (t) => {
  const { gateway } = await shop(t);
  await assert.rejects(gatewayFor(t, [], { port: gateway.port }), { name: 'Refusal', code: 'PortTaken' });
  await assert.rejects(gatewayFor(t, [], { certificate: { cert: 'x', key: 'y' } }), { code: 'Certificate' });
  await assert.rejects(gatewayFor(t, [], { host: '192.0.2.1' }), { code: 'CannotListen' });
});

test('over TLS, with a certificate that is replaced while it answers', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-tls-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const certificate = (name: string) => ownCertificate(join(folder, name), 'localhost');
  const first = await certificate('first');
  const blue = new FakeDeployment('blue', await fakeInstance(t, 'a'));
  const gateway = await gatewayFor(t, [endpointOf('shop', [blue])], { certificate: first });
  assert.match(gateway.url, /^https:\/\/localhost:\d+$/);
  /** The status of an answer, and who signed the certificate. */
  const asked = async ({ authority }: Certificate) => {
    const { port } = gateway;
    const headers = { authorization: 'Bearer right' };
    const ca = readFileSync(String(authority));
    const sent = request({ host: 'localhost', port, path: '/shop/score', method: 'POST', headers, ca, agent: false });
    sent.end(body);
    const [response] = await once(sent, 'response');
    response.resume();
    return response.statusCode;
  };
  assert.equal(await asked(first), 200);
  const second = await certificate('second');
  await assert.rejects(asked(second), /certificate/);
  gateway.renew(second);
  assert.equal(await asked(second), 200);
  await assert.rejects(asked(first), /certificate/);
  // What is no TLS, and handshakes that never end, hold nobody up.
  const plain = await opened(gateway);
  plain.end('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await whole(plain).catch(() => '');
  const silent = await opened(gateway);
  assert.equal(await asked(second), 200);
  silent.destroy();
});
