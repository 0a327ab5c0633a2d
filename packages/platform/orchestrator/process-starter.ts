import type { Place } from '../place.ts';
import { describeToken, isGone, processToken, type Store } from '../store/index.ts';
import { describeDeath } from './deaths.ts';
import { type StartedProcess, startProcess } from './start-process.ts';

/** A process of which a workspace folder needs one on this machine while there is something to do, and which ends by itself. */
export interface WantedProcess {
  /** Of the row that it keeps among the processes of the store. */
  readonly kind: string;
  /** Is called with the folder. */
  readonly script: URL;
  readonly log: string;
  /** What it does, for people: `works on jobs`. */
  readonly does: string;
}

/** So long a process that was started may need to be among those of the store. */
const startMilliseconds = 30_000;

/** Processes that may end in the middle of something, one after the other, before this is said. */
const mostCrashes = 5;

/**
 * @returns a function that sees to it that there is such a process on this machine
 * @throws Error (that function) when such processes end by themselves again and again
 */
export function processStarter(place: Place, store: Store, wanted: WantedProcess): () => Promise<void> {
  const { kind, script, log, does } = wanted;
  let last: { process: StartedProcess; at: number } | null = null;
  let crashes = 0;
  return async () => {
    const end = last?.process.ended();
    if (last && !end && performance.now() - last.at < startMilliseconds) return;
    if ((await processesHere(store, kind)).length > 0) return;
    const death = end && end.code !== 0 ? describeDeath(end, log) : null;
    crashes = death?.itself ? crashes + 1 : 0;
    if (crashes === mostCrashes) {
      crashes = 0;
      throw new Error(`The process that ${does} cannot go on: ${death?.words}\nAll that it said is in ${log}`);
    }
    const process = startProcess({
      ...{ script, log, args: [place.folder], folder: place.folder },
      environment: { FOVEA_DATABASE: place.database },
    });
    last = { process, at: performance.now() };
  };
}

/** Tokens of the processes of a kind that live on this machine. Rows of those that are gone are removed. */
export async function processesHere(store: Store, kind: string): Promise<string[]> {
  const { host } = describeToken(processToken());
  const living: string[] = [];
  for (const row of await store.processes.list(kind)) {
    if (row.host !== host) continue;
    if (isGone(row.owner)) await store.processes.remove(row.owner);
    else living.push(row.owner);
  }
  return living;
}
