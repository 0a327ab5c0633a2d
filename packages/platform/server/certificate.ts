import { randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { Refusal } from '../refusal.ts';

/** What a server shows to say who it is. */
export interface Certificate {
  /** PEM, with those that it was signed with. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  /** File of the authority that clients must trust; null for one that was given. */
  readonly authority: string | null;
}

const day = 24 * 60 * 60 * 1000;
/** What clients take at most. */
const serverDays = 397;
const authorityDays = 10 * 365;

/** A certificate from files. @throws Refusal when they cannot be read, or do not belong together */
export function readCertificate(certificate: string, key: string): Certificate {
  const read = (file: string) => {
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      throw new Refusal('invalid', 'Certificate', `${file} cannot be read: ${(error as Error).message}`);
    }
  };
  return { cert: read(certificate), key: read(key), authority: null };
}

/**
 * A certificate for this machine's names, signed by an authority of the workspace's own. Both are made when they are not there; the
 * server's is made again when it is about to expire, or lacks a name.
 * @param host another name or address that clients use
 */
export async function ownCertificate(folder: string, host: string): Promise<Certificate> {
  const tls = join(folder, 'tls');
  mkdirSync(tls, { recursive: true, mode: 0o700 });
  const files = {
    authority: join(tls, 'ca.pem'),
    authorityKey: join(tls, 'ca-key.pem'),
    server: join(tls, 'server.pem'),
    serverKey: join(tls, 'server-key.pem'),
  };
  // What the library's own parts are put together with.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto as Crypto);
  if (!isGood(files.authority, files.authorityKey, 365)) {
    const keys = await newKeys();
    const made = await x509.X509CertificateGenerator.createSelfSigned({
      ...validity(authorityDays),
      name: [{ O: ['Fovea'] }, { CN: [`Fovea on ${hostname()}, ${randomBytes(4).toString('hex')}`] }],
      keys,
      signingAlgorithm: algorithm,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    writeSecret(files.authorityKey, await pemOf(keys.privateKey));
    writeWhole(files.authority, made.toString('pem'));
  }
  const names = namesOf(host);
  if (!isGood(files.server, files.serverKey, 30, names, files.authority)) {
    const authority = new x509.X509Certificate(readFileSync(files.authority, 'utf8'));
    const signingKey = await webcrypto.subtle.importKey(
      'pkcs8',
      derOf(readFileSync(files.authorityKey, 'utf8')),
      algorithm,
      false,
      ['sign'],
    );
    const keys = await newKeys();
    const made = await x509.X509CertificateGenerator.create({
      ...validity(serverDays),
      subject: [{ O: ['Fovea'] }, { CN: [names[0]] }],
      issuer: authority.subject,
      publicKey: keys.publicKey,
      signingKey,
      signingAlgorithm: algorithm,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(
          names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
        ),
        await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    writeSecret(files.serverKey, await pemOf(keys.privateKey));
    writeWhole(files.server, made.toString('pem'));
  }
  const cert = `${readFileSync(files.server, 'utf8').trim()}\n${readFileSync(files.authority, 'utf8').trim()}\n`;
  return { cert, key: readFileSync(files.serverKey, 'utf8'), authority: files.authority };
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

const newKeys = async () =>
  (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;

const validity = (days: number) => ({
  serialNumber: `00${randomBytes(15).toString('hex')}`,
  // Clocks of clients may be a little behind.
  notBefore: new Date(Date.now() - day),
  notAfter: new Date(Date.now() + (days - 1) * day),
});

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
}

const derOf = (pem: string) => Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');

/** The names and addresses under which clients may ask this machine. */
function namesOf(host: string): string[] {
  const isAny = host === '0.0.0.0' || host === '::';
  const addresses = isAny
    ? Object.values(networkInterfaces()).flatMap((list = []) => list.map(({ address }) => address.replace(/%.*/, '')))
    : [host];
  return [...new Set(['localhost', hostname(), '127.0.0.1', '::1', ...addresses])];
}

/** Whether a certificate is there with its key, lasts for so many days, has all names and is of this authority. */
function isGood(
  file: string,
  keyFile: string,
  days: number,
  names: readonly string[] = [],
  authority?: string,
): boolean {
  if (!existsSync(file) || !existsSync(keyFile)) return false;
  try {
    const made = new X509Certificate(readFileSync(file));
    const lasts = Date.parse(made.validTo) - Date.now() > days * day;
    const has = names.every((name) => (isIP(name) === 0 ? made.checkHost(name) : made.checkIP(name)) !== undefined);
    return (
      lasts && has && (authority === undefined || made.verify(new X509Certificate(readFileSync(authority)).publicKey))
    );
  } catch {
    return false;
  }
}

function writeSecret(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, text, { mode: 0o600, flush: true });
  renameSync(temporary, file);
}

function writeWhole(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, text, { flush: true });
  renameSync(temporary, file);
}
