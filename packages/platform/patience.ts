import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { Place } from './place.ts';
import { StoreUnavailable } from './store/index.ts';

/** So long a process goes on trying, in milliseconds: a database is restarted in that time, or room made on a disk. */
const longest = 10 * 60_000;

/**
 * Tries again what the database did not let happen, until it does: training that took an hour does not end because a database was
 * restarted.
 *
 * @throws StoreUnavailable after ten minutes, or at once when the folder of the workspace is gone
 */
export async function patiently<T>({ folder }: Pick<Place, 'folder'>, action: () => Promise<T>): Promise<T> {
  const began = performance.now();
  for (;;) {
    try {
      return await action();
    } catch (error) {
      const patient = performance.now() - began < longest && existsSync(folder);
      if (!(error instanceof StoreUnavailable) || !patient) throw error;
      await wait(500);
    }
  }
}
