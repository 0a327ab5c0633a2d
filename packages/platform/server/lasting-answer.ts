import { heartbeatMilliseconds, type Line } from '../wire/protocol.ts';
import { bodyOf, errorAnswer } from './error-answer.ts';
import type { RequestContext } from './requests.ts';

/** A client that reads more slowly than so many characters pile up is let go of; it may ask again. */
const mostWaiting = 64 << 20;

export interface LastingOptions {
  /** Is told of what was thrown and nobody was meant to see. */
  readonly fault: (error: unknown) => void;
  /** What becomes of each line. */
  readonly reword?: (line: string) => string;
}

/**
 * Answers with lines as they come, each a JSON value, until `work` is done, with a sign of life in between.
 *
 * @param work tells lines, and returns the last one; what it throws is the last one, too. The signal is aborted when the client is gone.
 */
export function lastingAnswer(
  context: RequestContext,
  work: (tell: (line: Line) => void, signal: AbortSignal) => Promise<Line>,
  { fault, reword = (text) => text }: LastingOptions,
): Response {
  const gone = new AbortController();
  context.req.raw.signal.addEventListener('abort', () => gone.abort(), { once: true });
  let waiting: string[] = [];
  let length = 0;
  let more: (() => void) | null = null;
  let over = false;
  const put = (text: string) => {
    waiting.push(text);
    length += text.length;
    if (length > mostWaiting) gone.abort();
    more?.();
  };
  const beating = setInterval(() => {
    // Who reads nothing needs no second sign.
    if (waiting.length === 0) put('\n');
  }, heartbeatMilliseconds);
  const end = () => {
    clearInterval(beating);
    over = true;
    more?.();
  };
  const tell = (line: Line) => put(`${reword(JSON.stringify(line))}\n`);
  work(tell, gone.signal)
    .catch((error) => failureLine(error, context.get('requestId'), fault))
    .then(tell)
    .finally(end);
  gone.signal.addEventListener('abort', end, { once: true });

  const bytes = new TextEncoder();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        while (waiting.length === 0 && !over) await new Promise<void>((resolve) => (more = resolve));
        more = null;
        if (waiting.length > 0 && !gone.signal.aborted) {
          controller.enqueue(bytes.encode(waiting.join('')));
          waiting = [];
          length = 0;
          return;
        }
        controller.close();
      },
      cancel: () => gone.abort(),
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: { 'content-type': 'application/x-ndjson', 'x-accel-buffering': 'no' } });
}

function failureLine(error: unknown, request: string, fault: LastingOptions['fault']): Line {
  const known = errorAnswer(error, { issues: true });
  if (known !== null) return { status: known.status, failure: known.body };
  fault(error);
  const message = `the server failed; its log says more about request ${request}`;
  return { status: 500, failure: bodyOf('InternalServerError', message) };
}
