import { meaningfulVariables } from '../../meaningful-variables.ts';
import type { Place } from '../../place.ts';
import { ended, type JobRow, type Status, type Store } from '../../store/index.ts';
import { type BatchJobSetting, batchPaths, batchSettingOf } from './batch-job.ts';
import { KeptResults } from './kept-results.ts';

/** Lets a job that has ended go on: with what is not finished, and with what failed. */
export async function resumeBatch(place: Place, store: Store, job: JobRow): Promise<void> {
  if (job.status === 'Completed') throw new Error(`${job.name} is completed; there is nothing to go on with`);
  if (!(ended as readonly Status[]).includes(job.status)) return;
  const kept = new KeptResults(batchPaths(place, job.name).miniBatches);
  // Whatever made pictures fail may be another now.
  kept.dropFailed();
  const setting: BatchJobSetting = {
    ...{ ...batchSettingOf(job), environment: meaningfulVariables(process.env) },
    tries: { count: 0, finished: kept.numbers().length },
  };
  const set = { error: null, end_time: null, setting };
  await store.jobs.transition(job.name, { from: ['Failed', 'Canceled'], to: 'Queued', set });
}
