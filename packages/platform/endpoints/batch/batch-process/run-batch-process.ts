import { removeHalfWritten } from '../../../orchestrator/half-written.ts';
import { patiently } from '../../../patience.ts';
import type { Place } from '../../../place.ts';
import {
  ended,
  type JobRow,
  processToken,
  type Status,
  type Store,
  StoreUnavailable,
  statuses,
} from '../../../store/index.ts';
import { endAtOnce } from '../../../trial-process/end-at-once.ts';
import { appendEvent } from '../../../watch/event-files.ts';
import { batchPaths, batchSettingOf, batchSpecOf } from '../batch-job.ts';
import { runBatchJob } from '../run-batch-job.ts';
import { type BatchTask, batchExit } from './task.ts';

const notEnded = statuses.filter((status) => !(ended as readonly Status[]).includes(status));

const beatMilliseconds = 1000;
const lookMilliseconds = 200;

/**
 * Runs a job that scores pictures in this process, to its end.
 *
 * @returns the exit code
 * @throws StoreUnavailable when the database stayed away
 */
export async function runBatchProcess(task: BatchTask, place: Place, store: Store): Promise<number> {
  const owner = processToken();
  const { job: name } = task;
  if (!(await store.jobs.handOver(name, task.from, owner))) return batchExit.notMine;
  const row = (await store.jobs.find(name)) as JobRow;
  const paths = batchPaths(place, name);
  const began = performance.now();
  const secondsUsed = () => row.seconds_used + (performance.now() - began) / 1000;
  const canceling = new AbortController();
  const stopLife = startLife({
    store,
    name,
    owner,
    secondsUsed,
    cancel: () => canceling.abort(new Error('the job was canceled')),
  });
  const must = async (write: () => Promise<boolean>) => {
    if (!(await patiently(place, write))) endAtOnce();
  };
  const end = async (to: Status, error: string | null) => {
    const set = { error, end_time: new Date().toISOString(), seconds_used: secondsUsed() };
    await must(() => store.jobs.transition(name, { from: notEnded, to, set, owner, release: true }));
  };

  const set = { start_time: row.start_time ?? new Date().toISOString() };
  await patiently(place, () => store.jobs.transition(name, { from: ['Queued'], to: 'Running', set, owner }));
  removeHalfWritten(place, name);
  try {
    const { summary, failure } = await runBatchJob({
      ...{ spec: batchSpecOf(row), setting: batchSettingOf(row), paths, secondsBefore: row.seconds_used },
      signal: canceling.signal,
    });
    const message = `${summary.scored} of ${summary.files} files scored${summary.failed > 0 ? `, ${summary.failed} failed` : ''}`;
    appendEvent(paths.folder, { type: 'log', level: 'info', message });
    await end(failure === null ? 'Completed' : 'Failed', failure);
  } catch (error) {
    // The next process goes on where this one had to stop.
    if (error instanceof StoreUnavailable) throw error;
    if (canceling.signal.aborted) await end('Canceled', null);
    else await end('Failed', (error as Error).message);
  } finally {
    stopLife();
  }
  return batchExit.done;
}

interface Life {
  readonly store: Store;
  readonly name: string;
  readonly owner: string;
  secondsUsed(): number;
  cancel(): void;
}

/** Keeps the lease alive, and sees when the job is to end. All that takes long is done by other processes, so no thread is needed for it. */
function startLife({ store, name, owner, secondsUsed, cancel }: Life): () => void {
  let beaten = performance.now();
  let looking = false;
  let canceled = false;
  const look = async () => {
    if (looking) return;
    looking = true;
    try {
      const now = performance.now();
      if (now - beaten >= beatMilliseconds) {
        beaten = now;
        if (!(await store.jobs.beat(name, owner))) endAtOnce();
        await store.jobs.patch(name, { seconds_used: secondsUsed() }, { owner });
      }
      if (!canceled && (await store.jobs.find(name))?.status === 'CancelRequested') {
        canceled = true;
        cancel();
      }
    } catch (error) {
      // Nothing is lost while the database is away: nobody can take the lease then.
      if (!(error instanceof StoreUnavailable)) throw error;
    } finally {
      looking = false;
    }
  };
  const timer = setInterval(look, lookMilliseconds);
  return () => clearInterval(timer);
}
