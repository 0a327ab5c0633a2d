import type { Crew } from '../../orchestrator/crew.ts';
import { describeDeath, isGivenUp } from '../../orchestrator/deaths.ts';
import { failJob } from '../../orchestrator/end-job.ts';
import { removeHalfWritten } from '../../orchestrator/half-written.ts';
import { startProcess } from '../../orchestrator/start-process.ts';
import type { JobRow } from '../../store/index.ts';
import { appendEvent } from '../../watch/event-files.ts';
import { type BatchJobSetting, batchPaths, batchSettingOf } from './batch-job.ts';
import type { BatchTask } from './batch-process/task.ts';
import { KeptResults } from './kept-results.ts';

/**
 * One look at a job that scores pictures, whose lease is ours: a process is started for it, which takes the lease and works on it. The
 * lease comes back when that process dies; then another one goes on, until they have died too often with nothing done.
 *
 * @param running jobs of this kind that other processes work on
 */
export async function workOnBatch(job: JobRow, running: number, crew: Crew): Promise<void> {
  const { place, store, owner, machine } = crew;
  const started = crew.started.get(job.name);
  // It is about to take the lease.
  if (started?.ended() === null) return;
  const paths = batchPaths(place, job.name);
  if (job.status === 'CancelRequested') {
    crew.started.delete(job.name);
    removeHalfWritten(place, job.name);
    const set = { error: null, end_time: new Date().toISOString() };
    await store.jobs.transition(job.name, { from: ['CancelRequested'], to: 'Canceled', set, owner, release: true });
    crew.say(`${job.name}: Canceled`);
    return;
  }
  // Their instances share the machine's cores.
  if (job.status === 'Queued' && running >= Math.max(1, Math.floor(machine.cores / 2)))
    return sayThatItWaits(job, crew);
  crew.started.delete(job.name);
  const setting = batchSettingOf(job);
  const finished = new KeptResults(paths.miniBatches).numbers().length;
  const before = finished > setting.tries.finished ? 0 : setting.tries.count;
  if (job.status === 'Running' || before > 0) {
    const death = describeDeath(started?.ended() ?? null, paths.processLog);
    crew.say(`${job.name}: ${death.words}`);
    if (isGivenUp(before, death)) {
      return failJob(job, `${death.words}\nThat was try ${before} without one finished mini-batch.`, crew);
    }
    const message = `${death.words}; it goes on after its ${finished} finished mini-batches`;
    appendEvent(paths.folder, { type: 'log', level: 'warning', message });
  }
  const tries: BatchJobSetting['tries'] = { count: before + 1, finished };
  if (!(await store.jobs.patch(job.name, { setting: { ...setting, tries } }, { owner }))) return;
  const task: BatchTask = { folder: place.folder, job: job.name, from: owner };
  const process = startProcess(
    {
      script: new URL('./batch-process/main.ts', import.meta.url),
      args: [JSON.stringify(task)],
      folder: place.folder,
      log: paths.processLog,
      environment: { ...setting.environment, FOVEA_DATABASE: place.database },
    },
    crew.wake,
  );
  crew.started.set(job.name, process);
  crew.say(`${job.name}: process ${process.pid}${before > 0 ? `, try ${before + 1}` : ''}`);
}

/** Once for each process that works on jobs. */
function sayThatItWaits(job: JobRow, { place, seen }: Crew): void {
  if (seen.has(job.name)) return;
  const now = performance.now();
  seen.set(job.name, { looked: now, unwritten: 0, ended: -1, trials: 0, begun: now, saidThatItWaits: true });
  const message = 'waits until another job that scores pictures has ended';
  appendEvent(batchPaths(place, job.name).folder, { type: 'log', level: 'info', message });
}
