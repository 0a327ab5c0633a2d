import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { Refusal } from '../refusal.ts';
import type { ErrorBody } from '../server/error-answer.ts';
import { protocol, protocolHeader, root } from '../wire/protocol.ts';
import { refusalOf } from './refused.ts';
import { authoritiesOf, originOf, type ServerAddress } from './server-address.ts';
import { ServerUnreachable, unreachable } from './unreachable.ts';

export interface Asking {
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** Is sent as JSON. */
  readonly body?: unknown;
  /** Bytes instead of `body`. */
  readonly bytes?: Buffer | Readable;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** What asks a server. */
export interface Connection {
  /** `https://vision.example:7040` */
  readonly origin: string;
  /** The JSON of an answer. @throws Refusal, IssuesError as the server threw them, ServerUnreachable */
  ask<T>(method: string, path: string, asking?: Asking): Promise<T>;
  /** The bytes of an answer. @throws as `ask` */
  bytes(path: string, asking?: Asking): Promise<Buffer>;
  /** An answer that is a stream, once it has begun. @throws as `ask` */
  open(method: string, path: string, asking?: Asking): Promise<IncomingMessage>;
  close(): void;
}

/** Hearing nothing for so long while an answer is awaited, in milliseconds, means that there will be none. */
const silence = 120_000;
/** How often a question is asked again of a server that has not answered yet. */
const attempts = 3;
/** So long one that has answered before is asked again, in milliseconds. */
const patience = 60_000;
const mostAnswerBytes = 256 << 20;

/** @param address is checked at once. @throws Refusal for an address that is none */
export function connect(address: ServerAddress): Connection {
  const origin = originOf(address);
  const ca = authoritiesOf(address);
  const agent = new Agent({ keepAlive: true, maxSockets: 8, ...(ca && { ca }) });

  const once = (method: string, path: string, asking: Asking): Promise<IncomingMessage> => {
    const { query = {}, body, bytes, headers, signal } = asking;
    const url = new URL(root + path, origin);
    for (const [key, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(key, String(value));
    const sent = body === undefined ? bytes : Buffer.from(JSON.stringify(body));
    return new Promise((resolve, reject) => {
      const asked = request(url, {
        ...{ method, agent, signal },
        headers: {
          [protocolHeader]: String(protocol),
          accept: 'application/json',
          ...(address.token !== null && { authorization: `Bearer ${address.token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(Buffer.isBuffer(sent) && { 'content-length': String(sent.length) }),
          ...headers,
        },
      });
      let answered = false;
      let ofBody: Error | null = null;
      asked.setTimeout(silence, () => asked.destroy(Object.assign(new Error('silence'), { code: 'ETIMEDOUT' })));
      asked.on('response', (answer) => {
        answered = true;
        resolve(answer);
      });
      asked.on('error', (error) => {
        // What a server says before it has read all takes precedence over that it hung up then.
        if (!answered) reject(signal?.aborted ? signal.reason : (ofBody ?? unreachable(origin, error)));
      });
      if (sent === undefined || Buffer.isBuffer(sent)) asked.end(sent);
      else {
        sent.on('error', (error) => {
          ofBody = error;
          asked.destroy(error);
        });
        asked.on('close', () => sent.destroy());
        sent.pipe(asked);
      }
    });
  };

  const openOnce = async (method: string, path: string, asking: Asking): Promise<IncomingMessage> => {
    const answer = await once(method, path, asking);
    const spoken = Number(answer.headers[protocolHeader] ?? 0);
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300 && spoken === protocol) return answer;
    const text = (await bytesOf(origin, answer)).toString('utf8');
    throw await refusalOf(parsed(text), { status, spoken, origin, retryAfter: Number(answer.headers['retry-after']) });
  };

  /** Whoever asks too often is told when to ask again, before anything is done. */
  const open = async (method: string, path: string, asking: Asking = {}): Promise<IncomingMessage> => {
    const begun = performance.now();
    for (;;) {
      try {
        return await openOnce(method, path, asking);
      } catch (error) {
        const mayWait =
          error instanceof Refusal && error.code === 'TooManyRequests' && !(asking.bytes instanceof Readable);
        if (!mayWait || performance.now() - begun > patience) throw error;
        await wait((error.retryAfter ?? 1) * 1000, undefined, { signal: asking.signal });
      }
    }
  };

  let isKnown = false;
  /** The bytes of an answer. A question that changes nothing is asked again when the connection breaks. */
  const answered = async (method: string, path: string, asking: Asking): Promise<Buffer> => {
    const begun = performance.now();
    for (let attempt = 0; ; attempt++) {
      try {
        const bytes = await bytesOf(origin, await open(method, path, asking));
        isKnown = true;
        return bytes;
      } catch (error) {
        const mayPass = error instanceof ServerUnreachable && error.passing && method === 'GET';
        // Whoever has answered before may be starting anew; to be sure that nobody is there takes less.
        const isOver = isKnown ? performance.now() - begun > patience : attempt === attempts || isRefused(error);
        if (!mayPass || isOver) throw error;
        await wait(Math.min(100 * 3 ** attempt, 2000), undefined, { signal: asking.signal });
      }
    }
  };

  return {
    origin,
    open,

    async ask<T>(method: string, path: string, asking: Asking = {}): Promise<T> {
      const bytes = await answered(method, path, asking);
      return (bytes.length === 0 ? null : parsed(bytes.toString('utf8'))) as T;
    },

    bytes: (path, asking = {}) => answered('GET', path, asking),

    close: () => agent.destroy(),
  };
}

const isRefused = (error: unknown): boolean => (error as { cause?: { code?: string } }).cause?.code === 'ECONNREFUSED';

/** The bytes of an answer. @throws ServerUnreachable when it breaks off */
async function bytesOf(origin: string, answer: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of answer) {
      length += part.length;
      if (length > mostAnswerBytes) throw new ServerUnreachable(`${origin} answers without end`, { passing: false });
      parts.push(part);
    }
  } catch (error) {
    throw error instanceof ServerUnreachable ? error : unreachable(origin, error as NodeJS.ErrnoException);
  }
  return Buffer.concat(parts, length);
}

function parsed(text: string): ErrorBody | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
