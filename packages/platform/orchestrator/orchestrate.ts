import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { localCompute, thisMachine } from '../compute/local-machine.ts';
import { batchJobType } from '../endpoints/batch/batch-job.ts';
import { workOnBatch } from '../endpoints/batch/work-on-batch.ts';
import { patiently } from '../patience.ts';
import type { Place } from '../place.ts';
import { describeToken, type JobRow, LeaseWatch, processToken, type Store, StoreUnavailable } from '../store/index.ts';
import { settingOf } from '../stored-job.ts';
import { removeUnsubmitted } from '../unsubmitted.ts';
import type { Crew } from './crew.ts';
import { failJob } from './end-job.ts';
import { orchestratorKind } from './ensure-orchestrator.ts';
import { removeDeleted } from './half-written.ts';
import { stopMeasuring } from './measure.ts';
import { SpareProcess } from './spare-process.ts';
import { workOnJob } from './work-on-job.ts';

/** Between two looks; somebody may be waiting for a job to begin. */
const lookMilliseconds = { busy: 200, idle: 50 };
const beatMilliseconds = 1000;
/** Looks at a job that may fail one after the other, before the job is given up. */
const mostTroubles = 20;

export interface OrchestrateOptions {
  /** After so long without a job it ends. */
  idleMilliseconds: number;
  signal: AbortSignal;
  say: (line: string) => void;
}

/**
 * Works on the jobs of a workspace until there are none. Any number of processes may do so at the same time: each job is one's at a time,
 * and goes to another when that one dies. Trials run in processes of their own, which go on when this one ends.
 */
export async function orchestrate(
  place: Place,
  store: Store,
  { idleMilliseconds, signal, say }: OrchestrateOptions,
): Promise<void> {
  const owner = processToken();
  const machine = thisMachine();
  const { name: compute } = await patiently(place, () => store.computes.put(localCompute(machine)));
  let woken = false;
  let wake = () => {};
  const wakeUp = () => {
    woken = true;
    wake();
  };
  const spare = new SpareProcess(place, machine, wakeUp);
  const crew: Crew = {
    ...{ place, store, machine, compute, owner, say, started: new Map(), seen: new Map(), leases: new LeaseWatch() },
    ...{ measuring: null, spare, wake: wakeUp },
  };
  const register = () => store.processes.add({ owner, kind: orchestratorKind(place), ...describeToken(owner) });
  await patiently(place, register);
  const heart = setInterval(() => beat(crew), beatMilliseconds);
  const troubles = new Map<string, number>();
  let busy = performance.now();
  let isBusy = false;
  let trouble = '';
  removeDeleted(place);
  // Most jobs run one trial at a time, with all cores.
  spare.prepare(machine.cores);
  try {
    while (!signal.aborted && existsSync(place.folder)) {
      try {
        isBusy = await look(crew, troubles);
        if (isBusy) busy = performance.now();
        else if (performance.now() - busy > idleMilliseconds) {
          // A job that is submitted from now on finds nobody here; one that was submitted before is found now.
          await store.processes.remove(owner);
          if (!(await look(crew, troubles))) return;
          await register();
          busy = performance.now();
        }
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        if (error.message !== trouble) say(error.message);
        trouble = error.message;
      }
      if (!woken) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          wait(isBusy ? lookMilliseconds.busy : lookMilliseconds.idle, undefined, { signal }).then(resolve, () =>
            resolve(),
          );
        });
      }
      woken = false;
    }
  } finally {
    clearInterval(heart);
    spare.drop();
    if (existsSync(place.folder)) await leave(crew);
  }
}

/** One look at all jobs. @returns whether there are any for this process */
async function look(crew: Crew, troubles: Map<string, number>): Promise<boolean> {
  const { store, place, owner } = crew;
  const jobs = (await store.jobs.unfinished()).filter((job) => settingOf(job).workspace === place.id);
  const { measuring } = crew;
  if (measuring && !jobs.some((job) => job.name === measuring.job && job.owner === owner)) {
    stopMeasuring({ name: measuring.job }, crew);
  }
  for (const job of jobs) {
    if (!(await take(job, crew))) continue;
    try {
      if (job.type === batchJobType) await workOnBatch({ ...job, owner }, scoring(jobs, crew), crew);
      else await workOnJob({ ...job, owner }, crew);
      troubles.delete(job.name);
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      const count = (troubles.get(job.name) ?? 0) + 1;
      troubles.set(job.name, count);
      if (count === 1) crew.say(`${job.name}: ${(error as Error).stack}`);
      if (count === mostTroubles) await failJob(job, (error as Error).message, crew);
    }
  }
  for (const name of crew.seen.keys()) if (!jobs.some((job) => job.name === name)) crew.seen.delete(name);
  return jobs.length > 0;
}

/** How many jobs that score pictures have a process. */
const scoring = (jobs: readonly JobRow[], { owner, started }: Crew): number =>
  jobs.filter(
    ({ name, type, status, ...job }) =>
      type === batchJobType &&
      status !== 'Preparing' &&
      (job.owner === owner ? started.get(name)?.ended() === null : job.owner !== null),
  ).length;

/** Whether the job is ours, now. */
async function take(job: JobRow, crew: Crew): Promise<boolean> {
  const { place, store, owner, leases, say } = crew;
  if (job.owner === owner) return true;
  if (!leases.lapsed(`job/${job.name}`, job)) return false;
  if (job.status === 'Preparing') {
    if (await removeUnsubmitted(place, store, job, owner)) say(`${job.name}: was never submitted wholly; removed`);
    return false;
  }
  if (!(await store.jobs.takeOver(job.name, job, owner))) return false;
  crew.seen.delete(job.name);
  say(`${job.name}: taken${job.owner === null ? '' : ' over from a process that is gone'}`);
  return true;
}

function beat({ store, owner }: Crew): void {
  const beats = [store.processes.beat(owner), store.jobs.beatAll(owner), store.trials.beatAll(owner)];
  // While the database is away nobody takes anything over; what was lost is noticed at the next write.
  Promise.all(beats).catch(() => {});
}

async function leave({ store, owner }: Crew): Promise<void> {
  try {
    for (const job of await store.jobs.unfinished()) {
      if (job.owner !== owner) continue;
      for (const trial of await store.trials.ofJob(job.name)) await store.trials.release(trial.name, owner);
      await store.jobs.release(job.name, owner);
    }
    await store.processes.remove(owner);
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
  }
}
