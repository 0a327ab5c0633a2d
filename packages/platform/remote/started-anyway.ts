import { setTimeout as wait } from 'node:timers/promises';
import type { JobRecord } from '../records.ts';
import { ServerUnreachable } from './unreachable.ts';

/** null: there is none of this name. */
export type FindJob = (name: string) => Promise<JobRecord | null>;

/**
 * A connection that broke says nothing of what became of the job.
 * @returns null when there is none: it may be sent again
 */
export async function startedAnyway(
  find: FindJob,
  name: string,
  signal: AbortSignal | undefined,
  broken: ServerUnreachable,
): Promise<JobRecord | null> {
  const message = `${broken.message}; whether the job was started shows fovea job show --name ${name}`;
  for (let asked = 0; asked < 60; asked++) {
    try {
      const record = await find(name);
      // The data is still being read for whoever is gone: that ends in a moment.
      if (record?.status !== 'Preparing') return record;
    } catch (error) {
      if (!(error instanceof ServerUnreachable) || !error.passing) throw error;
    }
    await wait(1000, undefined, { signal });
  }
  throw new ServerUnreachable(message, { passing: false, cause: broken });
}
