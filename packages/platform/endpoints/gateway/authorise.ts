import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { RequestError } from '@fovea/serving/instance';
import type { GatewayParts } from './gateway.ts';
import type { ServedEndpoint } from './served.ts';

export type Verifiers = Pick<GatewayParts, 'verifyToken' | 'verifyEndpointToken'>;

/** Whether a request comes from this machine. */
export function isLocal({ socket }: IncomingMessage): boolean {
  const address = socket.remoteAddress ?? '';
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}

/** What stands in `Authorization: Bearer …`; null: nothing, or something else. */
export function bearerToken({ headers }: IncomingMessage): string | null {
  return /^Bearer +([\x21-\x7e]{1,8192}) *$/i.exec(headers.authorization ?? '')?.[1] ?? null;
}

/** @throws RequestError: 403 when an endpoint is for its own machine only, 401 without a key or token of it */
export async function authorise(
  request: IncomingMessage,
  endpoint: ServedEndpoint,
  verifiers: Verifiers,
): Promise<void> {
  const { name, authMode, loopbackOnly } = endpoint;
  if (loopbackOnly && !isLocal(request)) {
    const message = `${name} answers programs of its own machine only (public_network_access: disabled)`;
    throw new RequestError(403, 'Forbidden', message);
  }
  const token = bearerToken(request);
  const what = authMode === 'key' ? 'key' : 'token';
  if (token === null)
    throw unauthorised(`a ${what} is needed: Authorization: Bearer <${what}>; ${whereFrom(endpoint)}`);
  if (await isRight(endpoint, token, verifiers)) return;
  const problem = authMode === 'key' ? 'the key is none of this endpoint' : 'the token is not valid here, or no more';
  throw unauthorised(`${problem}; ${whereFrom(endpoint)}`);
}

async function isRight(endpoint: ServedEndpoint, token: string, verifiers: Verifiers): Promise<boolean> {
  switch (endpoint.authMode) {
    case 'key':
      return isKey(endpoint, token);
    case 'aml_token':
      return verifiers.verifyEndpointToken(endpoint, token);
    case 'aad_token':
      return verifiers.verifyToken(token);
  }
}

const whereFrom = ({ name, authMode }: ServedEndpoint): string =>
  authMode === 'aad_token'
    ? 'fovea token create makes one of this workspace'
    : `fovea online-endpoint get-credentials --name ${name} shows ${authMode === 'key' ? 'it' : 'one'}`;

function unauthorised(message: string): RequestError {
  return new RequestError(401, 'Unauthorized', message, { headers: { 'www-authenticate': 'Bearer' } });
}

const digest = (text: string): Buffer => hash('sha256', text, 'buffer');
const digests = new WeakMap<ServedEndpoint, readonly Buffer[]>();

/** Takes as long for every wrong key: hashes are compared, all of them and to their ends. */
function isKey(endpoint: ServedEndpoint, token: string): boolean {
  let known = digests.get(endpoint);
  if (known === undefined) {
    known = endpoint.keys.map(digest);
    digests.set(endpoint, known);
  }
  const given = digest(token);
  let found = false;
  for (const key of known) found = timingSafeEqual(key, given) || found;
  return found;
}
