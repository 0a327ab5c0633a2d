import { join } from 'node:path';
import { processStarter } from '../../orchestrator/process-starter.ts';
import type { Place } from '../../place.ts';
import type { Store } from '../../store/index.ts';

/** Keepers among the processes of the store: those that serve the deployments of one folder. */
export const keeperKind = ({ id }: Pick<Place, 'id'>): string => `keeper of ${id}`;

export const keeperLogOf = ({ folder }: Pick<Place, 'folder'>): string => join(folder, 'keeper.log');

export const keeperScript = new URL('./main.ts', import.meta.url);

/**
 * @returns a function that sees to it that a process of this machine serves the deployments of the workspace
 * @throws Error (that function) when such processes end by themselves again and again
 */
export const keeperStarter = (place: Place, store: Store): (() => Promise<void>) =>
  processStarter(place, store, {
    kind: keeperKind(place),
    script: keeperScript,
    log: keeperLogOf(place),
    does: 'serves endpoints',
  });
