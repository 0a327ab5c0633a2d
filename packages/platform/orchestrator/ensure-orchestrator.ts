import { join } from 'node:path';
import type { Place } from '../place.ts';
import { describeToken, isGone, processToken, type Store } from '../store/index.ts';
import { startProcess } from './start-process.ts';

/** Orchestrators among the processes of the store: those that work on the jobs of one folder. */
export const orchestratorKind = ({ id }: Pick<Place, 'id'>): string => `orchestrator of ${id}`;

export const orchestratorLogOf = ({ folder }: Pick<Place, 'folder'>): string => join(folder, 'orchestrator.log');

/** A process that was just started is not among those of the store yet. */
const startMilliseconds = 5000;

/** @returns a function that sees to it that a process of this machine works on the jobs of the workspace */
export function orchestratorStarter(place: Place, store: Store): () => Promise<void> {
  let started = Number.NEGATIVE_INFINITY;
  return async () => {
    if (performance.now() - started < startMilliseconds) return;
    if (await hasOrchestrator(place, store)) return;
    started = performance.now();
    startProcess({
      script: new URL('./main.ts', import.meta.url),
      args: [place.folder],
      log: orchestratorLogOf(place),
      environment: { FOVEA_DATABASE: place.database },
    });
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
