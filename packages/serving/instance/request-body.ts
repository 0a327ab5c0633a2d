import type { IncomingMessage } from 'node:http';
import type { HeldBytes } from './held-bytes.ts';
import { badRequest, RequestError } from './request-error.ts';

/** A request's whole body. `release` must be called when nothing of it is needed any more. */
export interface RequestBody {
  readonly bytes: Uint8Array;
  release(): void;
}

/**
 * Reads a request's body.
 *
 * @throws RequestError (400, 411, 413, 415, 429), having read no more of it than it says
 */
export async function readBody(request: IncomingMessage, most: number, held: HeldBytes): Promise<RequestBody> {
  const coding = request.headers['content-encoding'];
  if (coding !== undefined && coding !== 'identity') {
    const message = `a request in ${coding} is not read; send it as it is, without content-encoding`;
    throw new RequestError(415, 'UnsupportedMediaType', message);
  }
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > most) throw tooLarge(most);
  let length = 0;
  const parts: Buffer[] = [];
  try {
    // Left early, an iterator of the usual kind ends the connection, and with it the way of the answer.
    for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      held.take(part.length);
      length += part.length;
      if (length > most) throw tooLarge(most);
      parts.push(part);
    }
    if (length === 0) throw badRequest('the request has no body');
  } catch (error) {
    held.give(length);
    if (error instanceof RequestError) throw error;
    throw new RequestError(499, 'ClientClosedRequest', 'the client went away');
  }
  const bytes = parts.length === 1 ? parts[0] : Buffer.concat(parts, length);
  return { bytes, release: () => held.give(length) };
}

/** @param most bytes of a body */
export function tooLarge(most: number): RequestError {
  const message = `the request is larger than ${most.toLocaleString('en')} bytes; send fewer or smaller images at once`;
  return new RequestError(413, 'RequestTooLarge', message);
}
