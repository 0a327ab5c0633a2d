import type { Report } from '@fovea/automl/runs';
import type { JobRecord } from '../records.ts';
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

/** The record that an answer ends with that lasts. @throws what the server threw; ServerUnreachable when it breaks off */
export async function lastingRecord(
  connection: Connection,
  [method, path, asking]: [method: string, path: string, asking: Asking],
  { onEvent, ...reading }: Told = {},
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
