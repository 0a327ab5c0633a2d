import type { IncomingMessage } from 'node:http';
import { type HeldBytes, RequestError, tooLarge } from '@fovea/serving/instance';

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
  if (Number(request.headers['content-length'] ?? 0) > most) return Promise.reject(tooLarge(most));
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
        fail(tooLarge(most));
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
