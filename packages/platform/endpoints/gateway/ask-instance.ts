import { Agent, type IncomingMessage, request } from 'node:http';
import type { HeldBody } from './held-body.ts';
import type { InstanceLease } from './served.ts';

/** What is asked of an instance. */
export interface Question {
  readonly method: 'GET' | 'POST';
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Pick<HeldBody, 'parts' | 'length'> | null;
}

/** What an instance answered. */
export interface InstanceAnswer {
  readonly status: number;
  readonly type: string | undefined;
  readonly retryAfter: string | undefined;
  /** Whole; or, when it is large, as it comes. */
  readonly body: Buffer | IncomingMessage;
}

/** An instance gave no answer: it is gone, or it ended before it had answered. */
export class InstanceLost extends Error {
  override readonly name = 'InstanceLost';
  /** The connection had been used before: the instance may have closed it just then, and be well. */
  readonly wasReused: boolean;

  constructor(cause: Error, wasReused: boolean) {
    super(cause.message, { cause });
    this.wasReused = wasReused;
  }
}

/** Answers that are not larger are read whole before any of it is sent on: an instance that ends in the middle has not answered. */
export const LARGEST_WHOLE_ANSWER = 8 * 2 ** 20;
/** Shorter than instances keep theirs: who closes a connection should be who would use it next. */
const IDLE_MS = 50_000;

/** Connections to instances, kept for the next request; those to an instance that ends close by themselves. */
export function instanceConnections(): Agent {
  return new Agent({ keepAlive: true, timeout: IDLE_MS, scheduling: 'lifo', maxFreeSockets: 1024 });
}

/**
 * Sends a request to an instance. The lease is released when the exchange has ended, whichever way.
 *
 * @param signal ends it; its reason is thrown
 * @throws InstanceLost
 */
export function askInstance(
  agent: Agent,
  lease: InstanceLease,
  { method, path, headers, body }: Question,
  signal: AbortSignal,
): Promise<InstanceAnswer> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      lease.release();
      reject(signal.reason);
      return;
    }
    const sent = request({ socketPath: lease.socket, agent, method, path, headers });
    const lost = (error: Error) => reject(signal.aborted ? signal.reason : new InstanceLost(error, sent.reusedSocket));
    const stop = () => sent.destroy(new Error('aborted'));
    signal.addEventListener('abort', stop);
    sent.on('error', lost);
    sent.on('close', () => {
      signal.removeEventListener('abort', stop);
      lease.release();
    });
    sent.on('response', (response) => {
      const { statusCode: status = 0, headers: answered } = response;
      const answer = { status, type: answered['content-type'], retryAfter: answered['retry-after'] };
      const length = Number(answered['content-length'] ?? Number.NaN);
      if (!(length <= LARGEST_WHOLE_ANSWER)) {
        resolve({ ...answer, body: response });
        return;
      }
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', lost);
      response.on('end', () => resolve({ ...answer, body: parts.length === 1 ? parts[0] : Buffer.concat(parts) }));
    });
    if (body === null) {
      sent.end();
      return;
    }
    // Else each part would go on its way alone.
    sent.cork();
    for (const part of body.parts) sent.write(part);
    sent.end();
    sent.uncork();
  });
}
