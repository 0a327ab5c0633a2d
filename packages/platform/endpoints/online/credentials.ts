import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Place } from '../../place.ts';
import { invalid, Refusal } from '../../refusal.ts';
import type { OnlineEndpointRow } from './online-rows.ts';
import { workspaceSecret } from './workspace-secret.ts';

/** The keys of an endpoint in clear. */
export interface EndpointKeys {
  readonly primary: string;
  readonly secondary: string;
}

export type KeyName = keyof EndpointKeys;

/** A token of an endpoint of `aml_token`. */
export interface EndpointToken {
  readonly accessToken: string;
  /** Seconds since 1970. */
  readonly expiryTimeUtc: number;
  /** From then on a program should ask for another one. */
  readonly refreshAfterTimeUtc: number;
  readonly tokenType: 'Bearer';
}

const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
const sealed = 'v1.';
const expirySeconds = 12 * 60 * 60;
const refreshSeconds = 6 * 60 * 60;

/** 256 random bits, as text that stands in a header. */
export const newKey = (): string => randomBytes(keyBytes).toString('base64url');

/** @throws Refusal for a text that cannot be a key: who sends it could be told from nobody, or not at all */
export function checkKey(key: string): string {
  if (/^[\w.~+/=-]{16,256}$/.test(key)) return key;
  throw invalid('a key has 16 to 256 letters, digits and -._~+/=', 'keyValue');
}

/**
 * Seals a key for the database: AES-256-GCM under the secret of the workspace folder. A sealed key is one of its endpoint and of its place
 * there: copied to another it does not open.
 */
export function sealKey(place: Pick<Place, 'folder'>, endpoint: string, which: KeyName, key: string): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', derived(place, 'sealed keys', ''), nonce);
  cipher.setAAD(contextOf(endpoint, which));
  const bytes = Buffer.concat([nonce, cipher.update(key, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return sealed + bytes.toString('base64url');
}

/** @throws Refusal when it was sealed elsewhere, or is damaged */
function openKey(place: Pick<Place, 'folder'>, endpoint: string, which: KeyName, text: string): string {
  const bytes = Buffer.from(text.slice(sealed.length), 'base64url');
  try {
    if (!text.startsWith(sealed) || bytes.length < nonceBytes + tagBytes) throw new Error('it is cut');
    const decipher = createDecipheriv('aes-256-gcm', derived(place, 'sealed keys', ''), bytes.subarray(0, nonceBytes), {
      authTagLength: tagBytes,
    });
    decipher.setAAD(contextOf(endpoint, which));
    decipher.setAuthTag(bytes.subarray(-tagBytes));
    return decipher.update(bytes.subarray(nonceBytes, -tagBytes), undefined, 'utf8') + decipher.final('utf8');
  } catch (error) {
    const message = `the ${which} key of ${endpoint} was sealed with another secret than that of secrets/endpoints.key in ${place.folder}; fovea online-endpoint regenerate-keys gives it another`;
    throw new Refusal('conflict', 'KeysSealedElsewhere', message, { cause: error });
  }
}

/** The keys of an endpoint, as its row has them, in clear. @throws Refusal when they were sealed by another workspace folder */
export const openSealedKeys = (
  place: Pick<Place, 'folder'>,
  { name, keys }: Pick<OnlineEndpointRow, 'name' | 'keys'>,
): EndpointKeys => ({
  primary: openKey(place, name, 'primary', keys.primary),
  secondary: openKey(place, name, 'secondary', keys.secondary),
});

/**
 * A token that lets in to one endpoint for 12 hours: the time at which it ends, and a signature (HMAC-SHA-256). It is signed with a key that
 * the workspace's secret and the endpoint's primary key give: another primary key takes back all tokens there are.
 *
 * @param primary in clear
 * @param now milliseconds since 1970
 */
export function endpointToken(
  place: Pick<Place, 'folder'>,
  endpoint: string,
  primary: string,
  now: number = Date.now(),
): EndpointToken {
  const seconds = Math.floor(now / 1000);
  const expiry = seconds + expirySeconds;
  const said = `${expiry}.${randomBytes(12).toString('base64url')}`;
  return {
    accessToken: `fet.${said}.${signature(place, endpoint, primary, said).toString('base64url')}`,
    expiryTimeUtc: expiry,
    refreshAfterTimeUtc: seconds + refreshSeconds,
    tokenType: 'Bearer',
  };
}

/**
 * Whether a token is one of this endpoint, and has not ended. Signatures are compared in constant time.
 *
 * @param endpoint with its keys in clear; the primary one is among them
 * @param now milliseconds since 1970
 */
export function verifyEndpointToken(
  place: Pick<Place, 'folder'>,
  endpoint: { readonly name: string; readonly keys: readonly string[] },
  token: string,
  now: number = Date.now(),
): boolean {
  const [, said, expiry, given] = /^fet\.((\d{1,12})\.[\w-]{16})\.([\w-]{43})$/.exec(token) ?? [];
  if (said === undefined || now >= Number(expiry) * 1000) return false;
  const bytes = Buffer.from(given, 'base64url');
  let isRight = false;
  for (const key of endpoint.keys) {
    if (timingSafeEqual(bytes, signature(place, endpoint.name, key, said))) isRight = true;
  }
  return isRight;
}

const signature = (place: Pick<Place, 'folder'>, endpoint: string, key: string, said: string): Buffer =>
  createHmac('sha256', derived(place, 'tokens', key))
    .update(`${endpoint}.${said}`)
    .digest();

/** A key of its own for each purpose. Krawczyk, Eronen 2010, RFC 5869. */
const derived = (place: Pick<Place, 'folder'>, purpose: string, salt: string): Buffer =>
  Buffer.from(hkdfSync('sha256', workspaceSecret(place), salt, `fovea online endpoints: ${purpose}`, 32));

const contextOf = (endpoint: string, which: KeyName): Buffer => Buffer.from(`${endpoint}/${which}`);
