import { join } from 'node:path';
import { jobFolder, type RunEvent } from '@fovea/automl/runs';
import { writeArtefactList } from '../artefacts.ts';
import { patiently } from '../patience.ts';
import { cacheFolderOf, type Place } from '../place.ts';
import { recordedTrial, type TrialRecord } from '../records.ts';
import { searchState } from '../search-state.ts';
import { type JobRow, processToken, type Store, StoreUnavailable, type TrialRow } from '../store/index.ts';
import { secondsLeftOf, settingOf, specOf } from '../stored-job.ts';
import { writeEvents } from '../watch/event-files.ts';
import { HeldTrial } from './held-trial.ts';
import { startLifeline } from './lifeline.ts';
import { type TrialTask, trialExit } from './task.ts';

/**
 * Runs a trial in this process, to its end: what becomes of it is written into the store as it happens, so that whoever comes after a
 * killed process goes on from the last finished epoch.
 *
 * @returns the exit code
 * @throws StoreUnavailable when the database stayed away
 */
export async function runTrialProcess(task: TrialTask, place: Place, store: Store): Promise<number> {
  const owner = processToken();
  if (!(await store.trials.handOver(task.trial, task.from, owner))) return trialExit.notMine;
  const row = (await store.trials.find(task.trial)) as TrialRow;
  const job = (await store.jobs.find(row.job)) as JobRow;
  const canceling = new AbortController();
  const lifeline = startLifeline({ place, job: job.name, trial: row.name, owner }, () =>
    canceling.abort(new Error('the job was canceled')),
  );
  const held = new HeldTrial({ store, place, owner }, row, specOf(job).primary_metric);
  await held.begin({ start_time: row.start_time ?? new Date().toISOString(), device: task.device });

  const record = recordedTrial(row, await store.metrics.ofTrial(row.name));
  try {
    await train(record, { task, place, store, job, held, signal: canceling.signal });
  } catch (error) {
    // The next process goes on where this one had to stop.
    if (error instanceof StoreUnavailable) throw error;
    if (canceling.signal.aborted) {
      record.status = 'Canceled';
      record.ended_because = 'the job was canceled';
    } else {
      // Of what the trial itself does wrong the record tells already; this is what it could not even write down.
      record.status = 'Failed';
      record.error ??= error instanceof Error ? error.message : String(error);
    }
  }
  await lifeline.stop();
  await held.end(record);
  return trialExit.done;
}

interface Work {
  task: TrialTask;
  place: Place;
  store: Store;
  job: JobRow;
  held: HeldTrial;
  signal: AbortSignal;
}

async function train(record: TrialRecord, { task, place, store, job, held, signal }: Work): Promise<void> {
  const spec = specOf(job);
  const folder = jobFolder(place.folder, job.name);
  const trialFolder = join(folder, record.name);
  const began = performance.now();
  const secondsLeft = secondsLeftOf(job);
  // The engine is loaded when the lease is held, and not before: a process that came too late costs nothing.
  const [{ runJobTrial, judgeTrial }, { ImageCache }] = await Promise.all([
    import('@fovea/automl'),
    import('@fovea/data'),
  ]);
  signal.throwIfAborted();
  const events = writeEvents(trialFolder);
  const seesProgress = onProgress(() => {
    // Should it not be kept, the next process has a try less: nothing that training waits for.
    held.patch({ attempts: 1 }).catch(() => {});
  });
  const ended = record.ended_because;
  try {
    await runJobTrial(
      {
        job: spec,
        setting: settingOf(job),
        draw: record.draw,
        record,
        folder,
        cacheFolder: cacheFolderOf(place),
        imageCache: ImageCache.create({ folder: join(cacheFolderOf(place), 'images') }),
      },
      {
        threads: task.threads,
        report: (event) => {
          events.write(event);
          seesProgress(event);
        },
        signal,
        isTimeUp: () => (performance.now() - began) / 1000 > secondsLeft,
        keep: (now) => held.keep({ ...record, ...now }),
        endsBecause,
      },
    );
    if (record.status === 'Completed' || record.best_epoch !== null) await writeArtefactList(trialFolder);
  } finally {
    events.close();
  }

  async function endsBecause(): Promise<string | null> {
    // What was decided before a process died is not decided again, on what others have reached since.
    if (ended !== null) return ended;
    const state = await patiently(place, async () => searchState(store, (await store.jobs.find(job.name)) ?? job));
    const { end, because } = judgeTrial(state, record.number);
    if (end) await held.patch({ ended_because: because });
    return end ? because : null;
  }
}

/** Calls back once, when an epoch follows on one that this process has finished: its checkpoint is written. */
function onProgress(callback: () => void): (event: RunEvent) => void {
  let first: number | null = null;
  let told = false;
  return (event) => {
    if (event.type !== 'step' || told) return;
    first ??= event.epoch;
    if (event.epoch === first) return;
    told = true;
    callback();
  };
}
