import type { IncomingMessage, ServerResponse } from 'node:http';
import { RequestError } from '@fovea/serving/instance';

/** An answer to a client that was not sent yet. */
export interface GatewayAnswer {
  readonly status: number;
  readonly type: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whole, or as it comes from an instance. */
  readonly body: string | Buffer | IncomingMessage;
}

/** A client that reads nothing for so long gets no more. */
const SLOWEST_READ_MS = 30_000;

/** The answer for a request that failed. What is no `RequestError` is our fault, and tells nothing of the inside. */
export function failureAnswer(error: unknown, id: string): GatewayAnswer {
  if (!(error instanceof RequestError)) {
    const message = `the gateway failed; its log says more about request ${id}`;
    return jsonAnswer({ error: { code: 'InternalServerError', message } }, 500);
  }
  const { status, body, retryAfter, headers } = error;
  const all = { ...headers, ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }) };
  return { ...jsonAnswer(body, status), headers: all };
}

/** An object as JSON. */
export function jsonAnswer(value: unknown, status = 200): GatewayAnswer {
  return { status, type: 'application/json; charset=utf-8', body: JSON.stringify(value) };
}

/** Sends an answer. @param headers of every answer to this request */
export function send(
  response: ServerResponse,
  { status, type, headers, body }: GatewayAnswer,
  own: Record<string, string>,
): void {
  if (response.headersSent || response.destroyed) return;
  const all: Record<string, string | number> = { ...own, ...headers, 'x-content-type-options': 'nosniff' };
  if (type !== undefined) all['content-type'] = type;
  if (typeof body === 'string' || Buffer.isBuffer(body)) {
    all['content-length'] = Buffer.byteLength(body);
    response.writeHead(status, all);
    response.end(response.req.method === 'HEAD' ? undefined : body);
  } else {
    const length = body.headers['content-length'];
    if (length !== undefined) all['content-length'] = length;
    response.writeHead(status, all);
    body.on('error', () => response.destroy());
    body.pipe(response);
  }
  // What the kernel took at once needs no watching.
  if (!response.writableEnded || (response.socket?.writableLength ?? 0) > 0)
    response.setTimeout(SLOWEST_READ_MS, () => response.destroy());
}

/** Of a request's body, what is read and thrown away so that the client comes to read its answer. */
const MOST_UNREAD = 64 * 2 ** 20;
const LOOK_EVERY_MS = 50;

/** Reads what is left of a request: it stands in the way of the next one, and of the answer to this one. */
export function readRest(request: IncomingMessage): void {
  if (request.complete) return;
  const { socket } = request;
  const most = socket.bytesRead + MOST_UNREAD;
  // Node takes the listeners for data away when an answer is sent.
  const looking = setInterval(() => {
    if (request.complete || socket.destroyed) clearInterval(looking);
    else if (socket.bytesRead > most) socket.destroy();
  }, LOOK_EVERY_MS);
  request.on('error', () => {});
  request.resume();
}
