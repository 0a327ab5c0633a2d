import { setTimeout as wait } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { patiently } from '../patience.ts';
import { openStore, StoreUnavailable } from '../store/index.ts';
import { endAtOnce } from './end-at-once.ts';
import type { LifelineData } from './lifeline.ts';

const { place, job, trial, owner } = workerData as LifelineData;

const beatMilliseconds = 1000;
const lookMilliseconds = 200;
/** For the main thread, to end by itself. */
const graceMilliseconds = 1000;

const stopping = new AbortController();
parentPort?.once('message', () => stopping.abort());

const store = await patiently(place, () => openStore(place));
let beaten = Number.NEGATIVE_INFINITY;
let canceled: number | null = null;
while (!stopping.signal.aborted) {
  try {
    await look();
  } catch (error) {
    // Nothing is lost while the database is away: nobody can take the lease then.
    if (!(error instanceof StoreUnavailable)) throw error;
  }
  await wait(lookMilliseconds, undefined, { signal: stopping.signal }).catch(() => {});
}
await store.close();

async function look(): Promise<void> {
  const now = performance.now();
  if (now - beaten >= beatMilliseconds) {
    if (!(await store.trials.beat(trial, owner))) endAtOnce();
    beaten = now;
  }
  if (canceled === null && (await store.jobs.find(job))?.status === 'CancelRequested') {
    canceled = now;
    parentPort?.postMessage('cancel');
  }
  if (canceled !== null && now - canceled > graceMilliseconds && !stopping.signal.aborted) {
    const set = { ended_because: 'the job was canceled', end_time: new Date().toISOString() };
    await store.trials.transition(trial, { from: ['Queued', 'Running'], to: 'Canceled', set, owner, release: true });
    endAtOnce();
  }
}
