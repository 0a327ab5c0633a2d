import { lookup } from 'node:dns';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { badRequest } from './request-error.ts';

/** Which addresses an image may be fetched from. */
export type ImageAddresses = 'none' | 'public' | 'any';

export interface FetchOptions {
  readonly addresses: ImageAddresses;
  readonly mostBytes: number;
  readonly signal: AbortSignal;
  /** Place in the request, for errors. */
  readonly target: string;
}

const MOST_REDIRECTS = 3;

/** What is no address of the public internet (IANA's special-purpose registries): the machine itself, its network, its cloud's services. */
const SPECIAL = new BlockList();
for (const [address, prefix] of [
  ...([
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
  ] as const),
  ...([
    ['172.16.0.0', 12],
    ['192.0.0.0', 24],
    ['192.0.2.0', 24],
    ['192.88.99.0', 24],
    ['192.168.0.0', 16],
  ] as const),
  ...([
    ['198.18.0.0', 15],
    ['198.51.100.0', 24],
    ['203.0.113.0', 24],
    ['224.0.0.0', 4],
    ['240.0.0.0', 4],
  ] as const),
])
  SPECIAL.addSubnet(address, prefix, 'ipv4');
/** Of IPv6 only what is given out for the public, without what carries IPv4 addresses in it. */
const PUBLIC_V6 = new BlockList();
PUBLIC_V6.addSubnet('2000::', 3, 'ipv6');
const SPECIAL_V6 = new BlockList();
for (const [address, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  SPECIAL_V6.addSubnet(address, prefix, 'ipv6');

/** Whether an IP address is one of the public internet. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 4) return !SPECIAL.check(address, 'ipv4');
  return isIP(address) === 6 && PUBLIC_V6.check(address, 'ipv6') && !SPECIAL_V6.check(address, 'ipv6');
}

/**
 * Fetches an image. A request must not make the instance speak with what only the instance can reach; so a name is looked up once,
 * and the connection goes to the address that was found harmless.
 *
 * @throws RequestError (400) when there is none, it is too large, or the address is not allowed; the reason of the signal
 */
export async function fetchImage(url: URL, options: FetchOptions): Promise<Uint8Array> {
  const { addresses, target, signal } = options;
  if (addresses === 'none')
    throw badRequest(
      'this deployment takes images in the request only, as base64, and none by their addresses',
      target,
    );
  let at = url;
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    try {
      const got = await get(at, options);
      if (got instanceof Uint8Array) return got;
      at = got;
    } catch (error) {
      signal.throwIfAborted();
      throw badRequest(`${url.origin} gave no image: ${error instanceof Error ? error.message : error}`, target);
    }
  }
  throw badRequest(`${url.origin} gave no image: it leads on and on to other addresses`, target);
}

/** @returns the bytes, or where they are instead */
function get(url: URL, { addresses, mostBytes, signal }: FetchOptions): Promise<Uint8Array | URL> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | URL>();
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new Error(`${url.protocol} is neither http nor https`);
  if (url.username !== '' || url.password !== '') throw new Error('the address has a password in it');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (addresses === 'public' && isIP(host) !== 0 && !isPublicAddress(host)) throw new Error(PRIVATE);
  const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
    agent: false,
    signal,
    headers: { accept: 'image/*' },
    ...(addresses === 'public' && { lookup: lookupPublic }),
  });
  request.on('error', reject);
  request.on('response', (response) => {
    const { statusCode = 0, headers } = response;
    response.on('error', reject);
    const leave = (settle: () => void) => {
      settle();
      response.destroy();
    };
    if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
      const next = URL.parse(headers.location, url.href);
      return leave(() =>
        next ? resolve(next) : reject(new Error('it leads to an address that cannot be understood')),
      );
    }
    if (statusCode !== 200) return leave(() => reject(new Error(`it answered ${statusCode}`)));
    const parts: Buffer[] = [];
    let length = 0;
    response.on('data', (part: Buffer) => {
      length += part.length;
      parts.push(part);
      if (length > mostBytes) leave(() => reject(new Error(`it is larger than ${mostBytes} bytes`)));
    });
    response.on('end', () => resolve(Buffer.concat(parts)));
    response.on('close', () => reject(new Error('it was cut off')));
  });
  request.end();
  return promise;
}

const PRIVATE = 'images are fetched from addresses of the public internet only';

const lookupPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found) => {
    if (error) return callback(error, []);
    const allowed = found.filter(({ address }) => isPublicAddress(address));
    if (allowed.length === 0) return callback(new Error(PRIVATE), []);
    if (options.all) callback(null, allowed);
    else callback(null, allowed[0].address, allowed[0].family);
  });
};
