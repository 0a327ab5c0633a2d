import { join } from 'node:path';
import type { Place } from '../place.ts';
import type { Store } from '../store/index.ts';
import { processStarter } from './process-starter.ts';

/** Orchestrators among the processes of the store: those that work on the jobs of one folder. */
export const orchestratorKind = ({ id }: Pick<Place, 'id'>): string => `orchestrator of ${id}`;

export const orchestratorLogOf = ({ folder }: Pick<Place, 'folder'>): string => join(folder, 'orchestrator.log');

export const orchestratorScript = new URL('./main.ts', import.meta.url);

/**
 * @returns a function that sees to it that a process of this machine works on the jobs of the workspace
 * @throws Error (that function) when such processes end by themselves again and again
 */
export const orchestratorStarter = (place: Place, store: Store): (() => Promise<void>) =>
  processStarter(place, store, {
    kind: orchestratorKind(place),
    script: orchestratorScript,
    log: orchestratorLogOf(place),
    does: 'works on jobs',
  });
