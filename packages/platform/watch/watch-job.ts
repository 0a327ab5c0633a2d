import { setTimeout as wait } from 'node:timers/promises';
import { jobFolder } from '@fovea/automl/runs';
import { batchJobType } from '../endpoints/batch/batch-job.ts';
import { batchProgress } from '../endpoints/batch/batch-record.ts';
import { type Place, trialFolderOf } from '../place.ts';
import { hasEnded } from '../records.ts';
import { type Store, StoreUnavailable, type TrialRow } from '../store/index.ts';
import type { WatchOptions } from '../workspace.ts';
import { EventTail } from './event-tail.ts';

const lookMilliseconds = 80;
const careMilliseconds = 1000;

/**
 * Hands on what the processes of a job write, until it ends or the signal is aborted.
 * @param ensure sees to it that a process works on the job
 */
export async function watchJob(
  place: Place,
  store: Store,
  name: string,
  { onEvent, after = {}, signal, ensure }: WatchOptions & { ensure: () => Promise<void> },
): Promise<void> {
  const ofJob = new EventTail(jobFolder(place.folder, name));
  const ofTrials = new Map<string, { tail: EventTail; done: boolean }>();
  let cared = performance.now();
  let saidSo = false;
  let told = '';
  for (;;) {
    // In this order: whoever says that something has ended has written its last event before.
    const job = await store.jobs.find(name);
    if (job === null) throw new Error(`${name} was deleted`);
    const trials = await store.trials.ofJob(name);
    await tell(trials);
    if (job.type === batchJobType) tellProgress();
    if (hasEnded(job.status) || signal?.aborted) return;
    if (performance.now() - cared > careMilliseconds) {
      cared = performance.now();
      await ensure().catch(sayOnce);
    }
    await wait(lookMilliseconds, undefined, { signal }).catch(() => {});
  }

  /** That no process can be started while the database cannot be written does not end the watching. */
  function sayOnce(error: unknown): void {
    if (!(error instanceof StoreUnavailable)) throw error;
    if (!saidSo) onEvent({ type: 'log', level: 'warning', message: error.message }, null, null);
    saidSo = true;
  }

  function tellProgress(): void {
    const progress = batchProgress(place, name);
    const text = JSON.stringify(progress);
    if (progress === null || text === told) return;
    told = text;
    onEvent({ type: 'scored', ...progress }, null, null);
  }

  async function tell(trials: readonly TrialRow[]): Promise<void> {
    const events = (await ofJob.more()).map((written) => ({ ...written, trial: null as string | null }));
    const steps = [];
    for (const trial of trials) {
      const seen = ofTrials.get(trial.name) ?? { tail: new EventTail(trialFolderOf(place, trial.name)), done: false };
      ofTrials.set(trial.name, seen);
      // One that has ended is read once more; resumed, it is read again.
      if (seen.done && hasEnded(trial.status)) continue;
      seen.done = hasEnded(trial.status);
      events.push(...(await seen.tail.more()).map((written) => ({ ...written, trial: trial.name })));
      const step = await seen.tail.step();
      if (step !== null) steps.push({ event: step, trial: trial.name });
    }
    events.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
    for (const { event, trial, number } of events) {
      if (number > (Object.hasOwn(after, trial ?? '') ? after[trial ?? ''] : 0)) onEvent(event, trial, number);
    }
    for (const { event, trial } of steps) onEvent(event, trial, null);
  }
}
