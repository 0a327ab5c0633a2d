import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ownCertificate, readCertificate } from './certificate.ts';

function freshFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-tls-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("a workspace signs a certificate for the machine's names, and keeps it", async (t) => {
  const folder = freshFolder(t);
  const { cert, authority } = await ownCertificate(folder, '192.0.2.7');
  const shown = new X509Certificate(cert);
  const trusted = new X509Certificate(readFileSync(authority ?? ''));
  assert.ok(shown.checkIssued(trusted) && shown.verify(trusted.publicKey) && trusted.ca && !shown.ca);
  assert.ok(shown.checkHost('localhost') && shown.checkIP('127.0.0.1') && shown.checkIP('192.0.2.7'));
  for (const file of ['ca-key.pem', 'server-key.pem']) {
    assert.equal(statSync(join(folder, 'tls', file)).mode & 0o777, 0o600);
  }
  assert.equal((await ownCertificate(folder, '192.0.2.7')).cert, cert);
  const other = await ownCertificate(folder, 'vision.example');
  assert.ok(new X509Certificate(other.cert).checkHost('vision.example'));
  assert.equal(
    new X509Certificate(readFileSync(other.authority ?? '')).fingerprint,
    trusted.fingerprint,
    'clients trust it already',
  );
});

test('a damaged certificate is made again', async (t) => {
  const folder = freshFolder(t);
  await ownCertificate(folder, 'localhost');
  writeFileSync(join(folder, 'tls', 'server.pem'), 'nothing');
  assert.ok(new X509Certificate((await ownCertificate(folder, 'localhost')).cert).checkHost('localhost'));
});

test('files that are not there are named', () => {
  assert.throws(() => readCertificate('/nowhere/cert.pem', '/nowhere/key.pem'), /\/nowhere\/cert\.pem cannot be read/);
});
