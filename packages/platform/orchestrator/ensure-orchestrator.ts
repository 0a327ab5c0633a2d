import { join } from 'node:path';
import type { Place } from '../place.ts';
import { describeToken, isGone, processToken, type Store } from '../store/index.ts';
import { describeDeath } from './deaths.ts';
import { type StartedProcess, startProcess } from './start-process.ts';

/** Orchestrators among the processes of the store: those that work on the jobs of one folder. */
export const orchestratorKind = ({ id }: Pick<Place, 'id'>): string => `orchestrator of ${id}`;

export const orchestratorLogOf = ({ folder }: Pick<Place, 'folder'>): string => join(folder, 'orchestrator.log');

/** So long a process that was started may need to be among those of the store. */
const startMilliseconds = 30_000;

/** Processes that may end in the middle of something, one after the other, before this is said. */
const mostCrashes = 5;

/**
 * @returns a function that sees to it that a process of this machine works on the jobs of the workspace
 * @throws Error (that function) when such processes end by themselves again and again
 */
export function orchestratorStarter(place: Place, store: Store): () => Promise<void> {
  let last: { process: StartedProcess; at: number } | null = null;
  let crashes = 0;
  return async () => {
    const end = last?.process.ended();
    if (last && !end && performance.now() - last.at < startMilliseconds) return;
    if (await hasOrchestrator(place, store)) return;
    const log = orchestratorLogOf(place);
    const death = end && end.code !== 0 ? describeDeath(end, log) : null;
    crashes = death?.itself ? crashes + 1 : 0;
    if (crashes === mostCrashes) {
      crashes = 0;
      throw new Error(`The process that works on jobs cannot go on: ${death?.words}\nAll that it said is in ${log}`);
    }
    const process = startProcess({
      script: new URL('./main.ts', import.meta.url),
      args: [place.folder],
      folder: place.folder,
      log,
      environment: { FOVEA_DATABASE: place.database },
    });
    last = { process, at: performance.now() };
  };
}

async function hasOrchestrator(place: Place, store: Store): Promise<boolean> {
  const { host } = describeToken(processToken());
  for (const row of await store.processes.list(orchestratorKind(place))) {
    if (row.host !== host) continue;
    if (!isGone(row.owner)) return true;
    await store.processes.remove(row.owner);
  }
  return false;
}
