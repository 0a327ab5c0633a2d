import type { IncomingMessage } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import { heartbeatMilliseconds, type Line } from '../wire/protocol.ts';
import { ServerUnreachable, unreachable } from './unreachable.ts';

const mostLine = 256 << 20;

/**
 * The lines of an answer that lasts, as they come; signs of life are left out.
 * @param options.reword what becomes of each line before it is read
 * @throws ServerUnreachable when it breaks off, or nothing has come for three heartbeats; the signal's reason
 */
export async function* answerLines(
  origin: string,
  answer: IncomingMessage,
  { signal, reword = (line) => line }: { signal?: AbortSignal | undefined; reword?: (line: string) => string } = {},
): AsyncGenerator<Line> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  const silent = () => answer.destroy(Object.assign(new Error('it fell silent'), { code: 'ETIMEDOUT' }));
  answer.setTimeout(3 * heartbeatMilliseconds, silent);
  try {
    for await (const chunk of answer) {
      const lines = (rest + decoder.write(chunk)).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > mostLine) throw new ServerUnreachable(`${origin} answers without end`, { passing: false });
      for (const line of lines) if (line !== '') yield lineOf(origin, reword(line));
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof ServerUnreachable) throw error;
    throw unreachable(origin, error as NodeJS.ErrnoException);
  } finally {
    answer.destroy();
  }
}

function lineOf(origin: string, text: string): Line {
  try {
    return JSON.parse(text);
  } catch {
    throw new ServerUnreachable(`${origin} says what is no JSON`, { passing: false });
  }
}
