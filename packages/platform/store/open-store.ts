import { createAssets } from './assets.ts';
import { createComputes } from './computes.ts';
import { connect } from './database.ts';
import { createJobs } from './jobs.ts';
import { createMetrics } from './metrics.ts';
import { migrate } from './migrate.ts';
import { createProcesses } from './processes.ts';
import { createResources } from './resources.ts';
import type { Store } from './store.ts';
import { createTrials } from './trials.ts';

export interface StoreAddress {
  /** Folder of the workspace, in which `fovea.db` is; made when it is missing. */
  readonly folder: string;
  /** `postgres://…` of a database that is used instead. */
  readonly database?: string | undefined;
}

/**
 * Opens the store, and makes its tables or brings them up to date where that is needed.
 * @throws StoreUnavailable when the database cannot be reached or written, Error for an address that cannot be read and for a database
 * that a newer Fovea made
 */
export async function openStore({ folder, database: address }: StoreAddress): Promise<Store> {
  const database = connect({ folder, ...(address === undefined ? {} : { address }) });
  try {
    await migrate(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return {
    place: database.place,
    jobs: createJobs(database),
    trials: createTrials(database),
    metrics: createMetrics(database),
    assets: createAssets(database),
    computes: createComputes(database),
    processes: createProcesses(database),
    resources: createResources(database),
    close: () => database.close(),
  };
}
