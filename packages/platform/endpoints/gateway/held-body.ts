import type { IncomingMessage } from 'node:http';
import { RequestError } from '@fovea/serving/instance';

/** What all requests together hold in memory, bounded. */
export class HeldBytes {
  readonly #most: number;
  #held = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get held(): number {
    return this.#held;
  }

  /** @throws RequestError (429) when that is too much */
  take(bytes: number): void {
    if (this.#held + bytes > this.#most) {
      const message = 'the gateway holds as many bytes of requests as it may; try again in 1 s';
      throw new RequestError(429, 'TooManyRequests', message, { retryAfter: 1 });
    }
    this.#held += bytes;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }
}

/** A request's whole body, in memory. */
export interface HeldBody {
  readonly parts: readonly Buffer[];
  readonly length: number;
  /** Call once, when nothing of it is needed any more. */
  release(): void;
}

/** Small pieces are joined when so many have come: a body in pieces of one byte would take hundreds of times its size. */
const JOINED_PIECES = 256;
const SMALL_PIECE_BYTES = 4096;

/**
 * Reads a request's body.
 *
 * @param most bytes
 * @throws RequestError: 413; 429, when all requests together hold too much; 499, when the client went away. The rest is not read then.
 */
export function readBody(request: IncomingMessage, most: number, held: HeldBytes): Promise<HeldBody> {
  const tooLarge = () => {
    const message = `the request is larger than ${most.toLocaleString('en')} bytes; send fewer or smaller images at once`;
    return new RequestError(413, 'RequestTooLarge', message);
  };
  if (Number(request.headers['content-length'] ?? 0) > most) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    let length = 0;
    const parts: Buffer[] = [];
    /** Parts that are as they came: from which on, and their bytes. */
    const fresh = { from: 0, bytes: 0 };
    const stop = () => {
      request.off('data', take);
      request.off('end', end);
      request.off('close', gone);
    };
    const fail = (error: unknown) => {
      stop();
      held.give(length);
      reject(error);
    };
    const take = (part: Buffer) => {
      if (length + part.length > most) {
        fail(tooLarge());
        return;
      }
      try {
        held.take(part.length);
      } catch (error) {
        fail(error);
        return;
      }
      length += part.length;
      parts.push(part);
      fresh.bytes += part.length;
      if (parts.length - fresh.from < JOINED_PIECES) return;
      if (fresh.bytes < JOINED_PIECES * SMALL_PIECE_BYTES) parts.push(Buffer.concat(parts.splice(fresh.from)));
      Object.assign(fresh, { from: parts.length, bytes: 0 });
    };
    const end = () => {
      stop();
      resolve({ parts, length, release: () => held.give(length) });
    };
    const gone = () => fail(new RequestError(499, 'ClientClosedRequest', 'the client went away'));
    request.on('data', take);
    request.on('end', end);
    request.on('close', gone);
    request.on('error', () => {});
  });
}
