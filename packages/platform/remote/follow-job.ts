import { setTimeout as wait } from 'node:timers/promises';
import type { JobRecord } from '../records.ts';
import { Refusal } from '../refusal.ts';
import { protocol } from '../wire/protocol.ts';
import type { WatchOptions } from '../workspace.ts';
import { answerLines } from './answer-lines.ts';
import type { Connection } from './connection.ts';
import { refusalOf } from './refused.ts';
import { ServerUnreachable } from './unreachable.ts';

/** So long a server that does not answer is asked again, in milliseconds: a machine is started anew in that time. */
const longest = 10 * 60_000;
const pauses = { first: 200, most: 5000 } as const;

/**
 * Hands on what happens in a job on a server until it ends or the signal is aborted. When the connection breaks, or the server is started
 * anew, it goes on where it was: no event is told twice, and none is lost.
 *
 * @param job its record when the watching has ended
 * @throws Refusal when there is no such job, or the token is not taken; ServerUnreachable when the server stays away
 */
export async function followJob(
  connection: Connection,
  name: string,
  job: () => Promise<JobRecord>,
  { onEvent, after = {}, signal }: WatchOptions,
): Promise<JobRecord> {
  const seen = new Map(Object.entries(after));
  const steps = new Map<string, string>();
  let silentSince: number | null = null;
  let pause: number = pauses.first;
  let saidSo = false;
  const path = `/jobs/${encodeURIComponent(name)}/events`;
  for (;;) {
    try {
      const query = { after: JSON.stringify(Object.fromEntries(seen)) };
      const answer = await connection.open('GET', path, { query, signal });
      for await (const line of answerLines(connection.origin, answer, { signal })) {
        [silentSince, pause] = [null, pauses.first];
        if (saidSo) say(`${connection.origin} answers again`);
        saidSo = false;
        if ('record' in line) return line.record;
        if ('failure' in line) throw await refusalOf(line.failure, { ...line, ...spoken(connection) });
        tell(line);
      }
      // An answer that ends without a last line was cut off.
      throw new ServerUnreachable(`${connection.origin} ended the connection`, { passing: true });
    } catch (error) {
      if (signal?.aborted) return job();
      if (!mayPass(error)) throw error;
      silentSince ??= performance.now();
      if (performance.now() - silentSince > longest) throw error;
      if (!saidSo && pause > pauses.first) {
        say(`${(error as Error).message}; the job goes on, and is shown again when the server answers`);
        saidSo = true;
      }
      await wait(pause, undefined, { signal }).catch(() => {});
      pause = Math.min(pauses.most, pause * 2);
    }
  }

  function tell({
    event,
    trial = null,
    number = null,
  }: {
    event: Parameters<WatchOptions['onEvent']>[0];
    trial?: string | null;
    number?: number | null;
  }) {
    const of = trial ?? '';
    if (number !== null) {
      if (number <= (seen.get(of) ?? 0)) return;
      seen.set(of, number);
    } else if (event.type === 'step') {
      // The latest step is told again to who asks again.
      const text = JSON.stringify(event);
      if (steps.get(of) === text) return;
      steps.set(of, text);
    }
    onEvent(event, trial, number);
  }

  function say(message: string): void {
    onEvent({ type: 'log', level: 'warning', message }, null, null);
  }
}

const spoken = ({ origin }: Connection) => ({ spoken: protocol, origin });

/** Whether what went wrong may be right in a moment. */
function mayPass(error: unknown): boolean {
  if (error instanceof ServerUnreachable) return error.passing;
  return error instanceof Refusal && error.reason === 'busy';
}
