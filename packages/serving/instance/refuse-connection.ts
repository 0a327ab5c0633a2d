import type { Duplex } from 'node:stream';
import { rawAnswer } from './http-answers.ts';
import { badRequest, RequestError } from './request-error.ts';

/** Answers what is no request of HTTP, or does not end. */
export function refuse(error: NodeJS.ErrnoException, socket: Duplex, receiveTimeoutMs: number): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const message = `the request did not come whole within ${receiveTimeoutMs} ms`;
  const problems: Record<string, RequestError> = {
    ERR_HTTP_REQUEST_TIMEOUT: new RequestError(408, 'RequestTimeout', message),
    HPE_HEADER_OVERFLOW: new RequestError(431, 'RequestHeaderFieldsTooLarge', 'the head of the request is too long'),
  };
  const problem = problems[error.code ?? ''] ?? badRequest('this is no request of HTTP/1.1');
  socket.end(rawAnswer(problem), () => socket.destroy());
}
