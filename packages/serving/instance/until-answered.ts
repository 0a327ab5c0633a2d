import type { ServerResponse } from 'node:http';
import { RequestError } from './request-error.ts';

/** A signal that ends the work on a request when it takes too long, or when its client goes away. */
export function untilAnswered(response: ServerResponse, timeoutMs: number): { signal: AbortSignal; stop: () => void } {
  const controller = new AbortController();
  const message = `there was no answer within request_timeout_ms, ${timeoutMs} ms; raise it, or send fewer images at once`;
  const timer = setTimeout(() => controller.abort(new RequestError(408, 'RequestTimeout', message)), timeoutMs);
  const gone = () => controller.abort(new RequestError(499, 'ClientClosedRequest', 'the client went away'));
  response.once('close', gone);
  if (response.destroyed) gone();
  const stop = () => {
    clearTimeout(timer);
    response.off('close', gone);
  };
  return { signal: controller.signal, stop };
}
