import { setTimeout as wait } from 'node:timers/promises';
import type { Report } from '@fovea/automl/runs';
import type { JobRecord } from '../records.ts';
import { Refusal } from '../refusal.ts';
import { protocol } from '../wire/protocol.ts';
import { answerLines } from './answer-lines.ts';
import type { Asking, Connection } from './connection.ts';
import { refusalOf } from './refused.ts';
import { ServerUnreachable } from './unreachable.ts';

export interface Told {
  readonly onEvent?: Report | undefined;
  /** What becomes of each line before it is read. */
  readonly reword?: (line: string) => string;
}

/** So long a server that has too much to do is asked again, in milliseconds. */
const patience = 5 * 60_000;
const pauseMilliseconds = 2000;

/** The record that an answer ends with that lasts. @throws what the server threw; ServerUnreachable when it breaks off */
export async function lastingRecord(
  connection: Connection,
  asked: readonly [method: string, path: string, asking: Asking],
  told: Told = {},
): Promise<JobRecord> {
  const begun = performance.now();
  for (;;) {
    try {
      return await recordOf(connection, asked, told);
    } catch (error) {
      // It says so before it has done anything.
      const mayWait = error instanceof Refusal && error.code === 'TooManyRequests';
      if (!mayWait || performance.now() - begun > patience) throw error;
      await wait(pauseMilliseconds, undefined, { signal: asked[2].signal });
    }
  }
}

async function recordOf(
  connection: Connection,
  [method, path, asking]: readonly [method: string, path: string, asking: Asking],
  { onEvent, ...reading }: Told,
): Promise<JobRecord> {
  const { origin } = connection;
  const answer = await connection.open(method, path, asking);
  for await (const line of answerLines(origin, answer, { signal: asking.signal, ...reading })) {
    if ('record' in line) return line.record;
    if ('failure' in line) throw await refusalOf(line.failure, { status: line.status, spoken: protocol, origin });
    onEvent?.(line.event);
  }
  throw new ServerUnreachable(`${origin} ended the connection`, { passing: true });
}
