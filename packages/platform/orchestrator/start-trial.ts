import { dirname, join } from 'node:path';
import { systemLogPath } from '@fovea/automl/runs';
import { placement, type Share } from '../compute/local-machine.ts';
import { trialFolderOf } from '../place.ts';
import { type JobRow, StoreUnavailable, type TrialRow } from '../store/index.ts';
import { settingOf } from '../stored-job.ts';
import type { TrialTask } from '../trial-process/task.ts';
import type { Crew } from './crew.ts';
import { takeInstance } from './room.ts';
import { startProcess } from './start-process.ts';

/** What a trial's process had to say that nobody foresaw. */
export const processLogOf = (trialFolder: string): string => join(dirname(systemLogPath(trialFolder)), 'process.log');

/**
 * Starts a process for a trial whose lease is ours, when there is room on the machine, and on the compute that its job names.
 * @returns false when there is none
 */
export async function startTrial(job: JobRow, trial: TrialRow, share: Share, crew: Crew): Promise<boolean> {
  const { store, place, owner, machine } = crew;
  if (!(await takeInstance(trial.name, share, crew))) return false;
  const slots = await store.computes.claim(crew.compute, trial.name, share.wanted);
  if (slots === null) {
    // What others of the compute could begin with meanwhile.
    if (share.instanceOf !== null) await store.computes.free(trial.name);
    return false;
  }
  const attempts = trial.attempts + 1;
  if (!(await store.trials.patch(trial.name, { attempts }, { owner }))) return false;
  const { device, environment } = placement(machine, share, slots);
  const { threads } = share;
  const task: TrialTask = { folder: place.folder, trial: trial.name, from: owner, threads, device };
  try {
    const log = processLogOf(trialFolderOf(place, trial.name));
    const told = { ...settingOf(job).environment, ...environment };
    const started =
      crew.spare.take({ task, log, environment: told }) ??
      startProcess(
        {
          script: new URL('../trial-process/main.ts', import.meta.url),
          args: [JSON.stringify(task)],
          folder: place.folder,
          log,
          environment: { ...told, FOVEA_DATABASE: place.database },
        },
        crew.wake,
      );
    crew.started.set(trial.name, started);
    crew.say(`${trial.name}: process ${started.pid} on ${device}${attempts > 1 ? `, try ${attempts}` : ''}`);
  } catch (error) {
    if (error instanceof StoreUnavailable) throw error;
    await failTrial(trial, (error as Error).message, crew);
  }
  return true;
}

/** Ends a trial whose lease is ours. */
export async function failTrial(trial: TrialRow, error: string, crew: Crew): Promise<void> {
  crew.say(`${trial.name}: failed: ${error}`);
  await crew.store.trials.transition(trial.name, {
    from: ['NotStarted', 'Queued', 'Running'],
    to: 'Failed',
    set: { error, end_time: new Date().toISOString() },
    owner: crew.owner,
    release: true,
  });
}
