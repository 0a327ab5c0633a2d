import { jobFolder } from '@fovea/automl/runs';
import { trialFolderOf } from '../place.ts';
import { hasEnded } from '../records.ts';
import type { TrialRow } from '../store/index.ts';
import { appendEvent } from '../watch/event-files.ts';
import type { Crew } from './crew.ts';
import { describeDeath, isGivenUp } from './deaths.ts';
import { failTrial, processLogOf } from './start-trial.ts';

/** The trials of a job that have not ended. */
export interface OpenTrials {
  /** A process works on them, or is about to. */
  running: TrialRow[];
  /** Ours, to be given a process. */
  waiting: TrialRow[];
}

/** Sorts the trials of a job by who has them, and takes over those whose process died. */
export async function takeTrials(trials: readonly TrialRow[], crew: Crew): Promise<OpenTrials> {
  const open: OpenTrials = { running: [], waiting: [] };
  for (const trial of trials) {
    if (hasEnded(trial.status)) continue;
    const mine = trial.owner === crew.owner;
    const starting = mine && crew.started.get(trial.name)?.ended() === null;
    if (starting || (!mine && !(await takeOver(trial, crew)))) {
      open.running.push(trial);
      continue;
    }
    if (trial.attempts > 0 && (mine || trial.owner !== null) && (await mourn(trial, crew))) continue;
    open.waiting.push(trial);
  }
  return open;
}

async function takeOver(trial: TrialRow, { store, leases, owner }: Crew): Promise<boolean> {
  return leases.lapsed(`trial/${trial.name}`, trial) && store.trials.takeOver(trial.name, trial, owner);
}

/** Says how the process of a trial died. @returns whether the trial is given up */
async function mourn(trial: TrialRow, crew: Crew): Promise<boolean> {
  const started = crew.started.get(trial.name);
  // A trial that waits for room again has no process to mourn.
  if (started === undefined && trial.owner === crew.owner) return false;
  crew.started.delete(trial.name);
  const death = describeDeath(started?.ended() ?? null, processLogOf(trialFolderOf(crew.place, trial.name)));
  crew.say(`${trial.name}: ${death.words}`);
  if (isGivenUp(trial.attempts, death)) {
    await failTrial(trial, `${death.words}\nThat was try ${trial.attempts} without one finished epoch.`, crew);
    return true;
  }
  const message = `${trial.name}: ${death.words}; it goes on from its last finished epoch`;
  appendEvent(jobFolder(crew.place.folder, trial.job), { type: 'log', level: 'warning', message });
  return false;
}
