import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { bestTrial, modelFolderOf } from '@fovea/automl/runs';
import { trialFolderOf } from '../place.ts';
import { modelLinkOf } from '../records.ts';
import type { JobRow, TrialRow } from '../store/index.ts';
import { secondsLeftOf, specOf } from '../stored-job.ts';
import type { Crew } from './crew.ts';
import { removeHalfWritten } from './half-written.ts';

/** How a job ends, and why where that is not a matter of course. */
type End = { to: 'Completed' | 'Failed' | 'Canceled'; error: string | null };

/**
 * Ends a job none of whose trials goes on: the best model becomes the job's, and nothing half-written stays.
 * @param ending.leftOut there would have been more trials, had there been time
 */
export async function endJob(
  job: JobRow,
  trials: readonly TrialRow[],
  crew: Crew,
  { canceled, leftOut }: { canceled: boolean; leftOut: boolean },
): Promise<void> {
  const { store, owner, place } = crew;
  const from = ['Queued', 'Running', 'Finalizing', 'CancelRequested'] as const;
  if (!canceled) await store.jobs.transition(job.name, { from: ['Queued', 'Running'], to: 'Finalizing', owner });
  await keepBest(job, trials, crew);
  removeHalfWritten(place, job.name);
  const { to, error } = canceled ? ({ to: 'Canceled', error: null } satisfies End) : endOf(job, trials, leftOut);
  const set = { error, end_time: new Date().toISOString(), seconds_used: job.seconds_used };
  // Should it be canceled in this very moment, that is found at the next look.
  const happened = await store.jobs.transition(job.name, {
    from: canceled ? from : ['Finalizing'],
    ...{ to, set, owner, release: true },
  });
  if (happened) crew.say(`${job.name}: ${to}${error === null ? '' : `: ${error}`}`);
}

/** Ends a job that cannot go on. */
export async function failJob(
  { name }: Pick<JobRow, 'name'>,
  error: string,
  { store, owner, say }: Crew,
): Promise<void> {
  say(`${name}: failed: ${error}`);
  const from = ['Queued', 'Running', 'Finalizing', 'CancelRequested'] as const;
  const set = { error, end_time: new Date().toISOString() };
  await store.jobs.transition(name, { from, to: 'Failed', set, owner, release: true });
}

function endOf(job: JobRow, trials: readonly TrialRow[], leftOut: boolean): End {
  if (trials.every(({ status }) => status === 'Failed')) return { to: 'Failed', error: trials[0]?.error ?? null };
  const isTimeUp = secondsLeftOf(job) <= 0 && (leftOut || trials.some(({ status }) => status === 'Canceled'));
  if (!isTimeUp) return { to: 'Completed', error: null };
  return { to: 'Canceled', error: `timeout_minutes: ${specOf(job).limits.timeout_minutes} was reached` };
}

/**
 * Makes the model of the best trial the job's. A trial that was canceled has its best weights, but no model until it is resumed: it is
 * the best only where none has a model.
 */
export async function keepBest(job: JobRow, trials: readonly TrialRow[], { store, place, owner }: Crew): Promise<void> {
  const metric = specOf(job).primary_metric;
  const withModel = trials.filter((trial) => existsSync(modelFolderOf(trialFolderOf(place, trial.name))));
  const best = bestTrial(withModel, metric) ?? bestTrial(trials, metric);
  if (best === null) return;
  const link = modelLinkOf(place, job.name);
  const target = relative(dirname(link), modelFolderOf(trialFolderOf(place, best.name)));
  mkdirSync(dirname(link), { recursive: true });
  const temporary = join(dirname(link), `.${basename(link)}.tmp`);
  rmSync(temporary, { force: true });
  symlinkSync(target, temporary);
  renameSync(temporary, link);
  if (best.name === job.best_trial) return;
  const tags = { ...((await store.jobs.find(job.name))?.tags ?? job.tags), automl_best_child_run_id: best.name };
  await store.jobs.patch(job.name, { best_trial: best.name, tags }, { owner });
}
