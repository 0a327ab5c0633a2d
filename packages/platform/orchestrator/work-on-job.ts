import { type Share, shareOf } from '../compute/local-machine.ts';
import { hasEnded } from '../records.ts';
import { chosenTrial, searchState } from '../search-state.ts';
import type { JobRow, TrialRow } from '../store/index.ts';
import { secondsLeftOf, specOf } from '../stored-job.ts';
import type { Crew } from './crew.ts';
import { endJob, keepBest } from './end-job.ts';
import { isToBeMeasured, measure, stopMeasuring } from './measure.ts';
import { computeOf, instancesInTheWay, sayThatItWaits, whatIsInTheWay } from './room.ts';
import { startTrial } from './start-trial.ts';
import { type OpenTrials, takeTrials } from './take-trials.ts';

/**
 * One look at a job whose lease is ours: takes over what dead processes left, starts what there is room for, chooses what comes next, and
 * ends the job when nothing does. It holds nothing in memory that matters: another process would do the same.
 */
export async function workOnJob(job: JobRow, crew: Crew): Promise<void> {
  const trials = await crew.store.trials.ofJob(job.name);
  const open = await takeTrials(trials, crew);
  const measuring = crew.measuring?.job === job.name;
  const worked = await countSeconds(job, measuring || open.running.length > 0, crew);
  if (worked.status === 'CancelRequested') return cancel(worked, trials, open, crew);
  await tellOfEnded(worked, trials, crew);

  const share = shareOf(crew.machine, specOf(job).limits, await computeOf(job, crew));
  if (await isToBeMeasured(worked, trials.length)) {
    const inTheWay = crew.measuring === null ? await instancesInTheWay(share, crew) : null;
    if (inTheWay !== null) sayThatItWaits(worked, inTheWay, crew);
    else if (await isIdle(crew)) {
      await begin(worked, crew);
      await measure(worked, share, crew);
    }
    return;
  }
  stopMeasuring(worked, crew);
  prepareSpare(worked, trials, share, crew);
  for (const trial of open.waiting.splice(0)) {
    const started = open.running.length < share.concurrent && (await start(worked, trial, share, crew));
    open[started ? 'running' : 'waiting'].push(trial);
  }
  const more = await chooseTrials(worked, { open, count: trials.length }, share, crew);
  if (more || open.running.length > 0 || open.waiting.length > 0) return;
  if (!allHaveEnded(trials)) return crew.wake();
  await endJob(worked, trials, crew, { canceled: false, leftOut: await isCutShort(worked, trials.length, crew) });
}

/** Whether there would have been more trials, had there been time. */
async function isCutShort(job: JobRow, count: number, { store }: Crew): Promise<boolean> {
  if (secondsLeftOf(job) > 0 || count >= specOf(job).limits.max_trials) return false;
  const { nextTrial } = await import('@fovea/automl');
  return nextTrial({ ...(await searchState(store, job)), secondsLeft: Number.POSITIVE_INFINITY }) !== null;
}

/**
 * Chooses and starts trials while there is room.
 * @param count of the trials that the job has already
 * @returns whether there may be more of them later
 */
async function chooseTrials(
  job: JobRow,
  { open, count }: { open: OpenTrials; count: number },
  share: Share,
  crew: Crew,
): Promise<boolean> {
  const { store, owner } = crew;
  if (open.waiting.length > 0 || open.running.length >= share.concurrent) return true;
  if (count >= specOf(job).limits.max_trials) return false;
  // Loaded when it is needed: to run the first trial, to go on with one or to cancel a job takes no engine.
  const { nextTrial } = await import('@fovea/automl');
  while (open.waiting.length === 0 && open.running.length < share.concurrent) {
    const inTheWay = await whatIsInTheWay(share, crew);
    if (inTheWay !== null && open.running.length > 0) return true;
    const state = await searchState(store, job);
    const chosen = nextTrial(state);
    if (chosen === null) return false;
    // Where nothing runs, there is nothing to wait for.
    if (chosen === 'wait') return open.running.length > 0;
    if (inTheWay !== null) {
      sayThatItWaits(job, inTheWay, crew);
      return true;
    }
    const number = state.trials.reduce((next, trial) => Math.max(next, trial.number + 1), 0);
    const trial = { ...chosenTrial(job, number, chosen), owner };
    const { name } = trial;
    // Another has the job by now, and chose it.
    if (!(await store.trials.add(trial, { jobOwner: owner }))) return true;
    crew.say(`${name}: ${JSON.stringify(chosen.draw)}: ${chosen.because}`);
    const row = (await store.trials.find(name)) as TrialRow;
    open[(await start(job, row, share, crew)) ? 'running' : 'waiting'].push(row);
  }
  return true;
}

async function start(job: JobRow, trial: TrialRow, share: Share, crew: Crew): Promise<boolean> {
  // While models of another job are timed, what runs goes on, and nothing is added.
  if (crew.measuring !== null || !(await startTrial(job, trial, share, crew))) {
    const inTheWay = await whatIsInTheWay(share, crew);
    if (inTheWay !== null) sayThatItWaits(job, inTheWay, crew);
    return false;
  }
  await begin(job, crew);
  return true;
}

async function begin(job: JobRow, { store, owner }: Crew): Promise<void> {
  if (job.status !== 'Queued') return;
  const set = { start_time: job.start_time ?? new Date().toISOString() };
  await store.jobs.transition(job.name, { from: ['Queued'], to: 'Running', set, owner });
  job.status = 'Running';
}

/** A trial that begins has the processor for itself for so long. */
const BEGINNING = 3;

/** Has all ready for the trial after those that run, once they have begun: a process, and what chooses it. */
function prepareSpare(job: JobRow, trials: readonly TrialRow[], { threads }: Share, crew: Crew): void {
  const view = crew.seen.get(job.name);
  if (view === undefined || trials.length >= specOf(job).limits.max_trials) return;
  if (view.trials !== trials.length) Object.assign(view, { trials: trials.length, begun: performance.now() });
  else if (performance.now() - view.begun > BEGINNING * 1000) {
    crew.spare.prepare(threads);
    void import('@fovea/automl');
  }
}

const isIdle = async ({ store, compute }: Crew) => (await store.computes.held({ compute })).length === 0;

async function cancel(job: JobRow, trials: readonly TrialRow[], open: OpenTrials, crew: Crew): Promise<void> {
  stopMeasuring(job, crew);
  for (const { name } of open.waiting) {
    const set = { ended_because: 'the job was canceled', end_time: new Date().toISOString() };
    await crew.store.trials.transition(name, {
      from: ['NotStarted', 'Queued', 'Running'],
      ...{ to: 'Canceled' as const, set, owner: crew.owner, release: true },
    });
  }
  // The processes of the others see it themselves.
  if (open.running.length > 0) return;
  if (!allHaveEnded(trials)) return crew.wake();
  await endJob(job, trials, crew, { canceled: true, leftOut: true });
}

/** What this look has ended is looked at once more, as it is in the store now. */
const allHaveEnded = (trials: readonly TrialRow[]) => trials.every(({ status }) => hasEnded(status));

/** Makes the best model so far the job's, each time that a trial has ended. */
async function tellOfEnded(job: JobRow, trials: readonly TrialRow[], crew: Crew): Promise<void> {
  const ended = trials.filter(({ status }) => hasEnded(status));
  const seen = crew.seen.get(job.name);
  if (seen === undefined || seen.ended === ended.length) return;
  seen.ended = ended.length;
  for (const { name } of ended) {
    crew.started.delete(name);
    crew.leases.forget(`trial/${name}`);
  }
  await keepBest(job, ended, crew);
}

/** No more than this counts between two looks: a machine that slept has not worked. */
const longestLook = 2;

/** Adds up the time that a job is worked on, by the monotonic clock of this process. */
async function countSeconds(job: JobRow, running: boolean, crew: Crew): Promise<JobRow> {
  const now = performance.now();
  const seen = crew.seen.get(job.name);
  if (seen === undefined) {
    crew.seen.set(job.name, { looked: now, unwritten: 0, ended: -1, trials: 0, begun: now, saidThatItWaits: false });
    return job;
  }
  if (running) seen.unwritten += Math.min((now - seen.looked) / 1000, longestLook);
  seen.looked = now;
  const seconds_used = job.seconds_used + seen.unwritten;
  if (seen.unwritten >= 1 && (await crew.store.jobs.patch(job.name, { seconds_used }, { owner: crew.owner }))) {
    seen.unwritten = 0;
  }
  return { ...job, seconds_used };
}
