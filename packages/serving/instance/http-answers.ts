import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { RequestError } from './request-error.ts';

/** An answer that was not sent yet. */
export interface HttpAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An object as JSON. */
export function jsonAnswer(value: unknown, status = 200): HttpAnswer {
  return { status, type: 'application/json; charset=utf-8', body: JSON.stringify(value) };
}

/** The answer for a request that failed. What is no `RequestError` is our fault, and tells nothing of the inside. */
export function failureAnswer(error: unknown, id: string): HttpAnswer {
  if (!(error instanceof RequestError)) {
    const message = `the instance failed; its log says more about request ${id}`;
    return jsonAnswer({ error: { code: 'InternalServerError', message } }, 500);
  }
  const { status, body, retryAfter, headers } = error;
  const all = { ...headers, ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }) };
  return { ...jsonAnswer(body, status), headers: all };
}

/** A client that reads nothing for so long gets no more. */
const SLOWEST_READ_MS = 30_000;

/** Sends an answer. @param close ends the connection after it */
export function send(response: ServerResponse, answer: HttpAnswer, { close }: { close: boolean }): void {
  if (response.headersSent || response.destroyed) return;
  const body = Buffer.from(answer.body);
  response.writeHead(answer.status, {
    ...answer.headers,
    ...(close && { connection: 'close' }),
    'content-type': answer.type,
    'content-length': body.length,
    'x-content-type-options': 'nosniff',
  });
  response.setTimeout(SLOWEST_READ_MS, () => response.destroy());
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/** An answer as bytes for a connection on which no request could be read. */
export function rawAnswer(error: RequestError): string {
  const body = JSON.stringify(error.body);
  const head = [
    `HTTP/1.1 ${error.status} ${error.code}`,
    'connection: close',
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

export interface RequestIds {
  /** In logs and answers. */
  readonly id: string;
  /** What the client calls it, to be given back. */
  readonly client: string | null;
}

/** A request's names: `x-request-id` as it came, or a new one, and `x-ms-client-request-id`. Odd ones are not repeated. */
export function requestIds({ headers }: IncomingMessage): RequestIds {
  const plain = (name: string): string | null => {
    const value = headers[name];
    return typeof value === 'string' && /^[\w.:+/=-]{1,128}$/.test(value) ? value : null;
  };
  return { id: plain('x-request-id') ?? randomUUID(), client: plain('x-ms-client-request-id') };
}
