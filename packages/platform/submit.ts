import { mkdirSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import type { FindRun, ImageJob, JobSetting } from '@fovea/automl';
import { displayNameOf, generateJobName, jobFolder } from '@fovea/automl/runs';
import { batchJobType } from './endpoints/batch/batch-job.ts';
import { resumeBatch } from './endpoints/batch/resume-batch.ts';
import { meaningfulVariables } from './meaningful-variables.ts';
import { cacheFolderOf, type Place, trialFolderOf } from './place.ts';
import { hasEnded } from './records.ts';
import { pinData, withDataPaths } from './registry/job-data.ts';
import { chosenTrial, searchState } from './search-state.ts';
import { isGone, type JobRow, NameTaken, type NewJob, processToken, type Store } from './store/index.ts';
import { type StoredSetting, secondsLeftOf, settingOf, specOf } from './stored-job.ts';
import { forget, removeUnsubmitted } from './unsubmitted.ts';
import type { SubmitOptions } from './workspace.ts';

/**
 * Stores a job whose data is right. While the data is read, the job is `Preparing`, and this process holds its lease: should it die, the
 * job is removed by whoever notices.
 */
export async function submitJob(
  place: Place,
  store: Store,
  submitted: ImageJob,
  options: SubmitOptions,
): Promise<JobRow> {
  const job = await pinData(store, submitted);
  const { prepareJob, runnableModels } = await import('@fovea/automl');
  const { onEvent = () => {}, signal = new AbortController().signal } = options;
  const name = job.name ?? generateJobName();
  const folder = jobFolder(place.folder, name);
  const baseFolder = resolve(options.baseFolder);
  const given = { baseFolder, weights: options.weights, fitToData: options.fitToData ?? false };
  const settingFor = (setting: JobSetting): StoredSetting => ({
    ...setting,
    workspace: place.id,
    models: runnableModels(job.training_parameters, job.task),
    environment: meaningfulVariables(process.env),
  });

  const owner = processToken();
  await reserve(place, store, { ...job, name }, { setting: settingFor({ ...given, earlier: null }), owner });
  const beating = setInterval(() => store.jobs.beat(name, owner).catch(() => {}), 1000);
  try {
    // What an earlier process left that died while it read the data.
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const where = { folder, cacheFolder: cacheFolderOf(place), findRun: findRunIn(place, store) };
    const setting = await prepareJob(await withDataPaths(place, store, job), given, {
      ...where,
      resumes: false,
      report: onEvent,
      signal,
    });
    signal.throwIfAborted();
    await chooseFirstTrial(store, name, owner);
    const set = { setting: settingFor(setting) };
    const queued = await store.jobs.transition(name, { from: ['Preparing'], to: 'Queued', set, owner, release: true });
    if (!queued) throw new Error(`${name} was canceled while its data was read`);
    return (await store.jobs.find(name)) as JobRow;
  } catch (error) {
    await forget(place, store, name, owner);
    throw error;
  } finally {
    clearInterval(beating);
  }
}

/** Here, where all that takes is loaded, and not by whoever works on the job: it begins the sooner. */
async function chooseFirstTrial(store: Store, name: string, owner: string): Promise<void> {
  const { modelsToMeasure, nextTrial } = await import('@fovea/automl');
  const job = (await store.jobs.find(name)) as JobRow;
  const state = await searchState(store, job);
  const chosen = modelsToMeasure(state.job, state.models).length > 0 ? null : nextTrial(state);
  if (chosen === null || chosen === 'wait') return;
  await store.trials.add(chosenTrial(job, 0, chosen), { jobOwner: owner });
}

async function reserve(
  place: Place,
  store: Store,
  job: ImageJob & { name: string },
  { setting, owner }: { setting: StoredSetting; owner: string },
): Promise<void> {
  const { name, task, tags, properties, primary_metric, experiment_name, display_name, description, compute } = job;
  const row: NewJob = {
    ...{ name, type: 'automl', task, status: 'Preparing', owner, spec: job, setting, compute, tags, properties },
    ...{ primary_metric, experiment_name: experiment_name ?? 'Default', description: description ?? null },
    display_name: display_name ?? displayNameOf(name),
  };
  try {
    await store.jobs.add(row);
  } catch (error) {
    if (!(error instanceof NameTaken)) throw error;
    const other = await store.jobs.find(name);
    const isLeft = other?.status === 'Preparing' && other.owner !== null && isGone(other.owner);
    if (isLeft && (await removeUnsubmitted(place, store, other, owner))) {
      await store.jobs.add(row);
      return;
    }
    const advice = `choose another name, or go on with it: fovea job resume${place.words ?? ''} --name ${name}`;
    throw new Error(`There is a job called ${name} already; ${advice}`, { cause: error });
  }
}

/** Lets a job that has ended go on with what did not complete. */
export async function resumeJob(
  place: Place,
  store: Store,
  job: JobRow,
  { onEvent = () => {}, signal = new AbortController().signal }: Pick<SubmitOptions, 'onEvent' | 'signal'>,
): Promise<void> {
  if (job.type === batchJobType) return resumeBatch(place, store, job);
  if (job.status === 'Completed') throw new Error(`${job.name} is completed; there is nothing to go on with`);
  if (!hasEnded(job.status)) return;
  const { prepareJob } = await import('@fovea/automl');
  const { workspace, models, environment: _, ...before } = settingOf(job);
  const setting = await prepareJob(await withDataPaths(place, store, specOf(job), { resumes: true }), before, {
    ...{ folder: jobFolder(place.folder, job.name), cacheFolder: cacheFolderOf(place) },
    ...{ findRun: findRunIn(place, store), resumes: true, report: onEvent, signal },
  });
  for (const { name } of await store.trials.ofJob(job.name)) {
    // Whatever made a trial fail, a full disk or a learning rate, may be another now.
    const set = { error: null, ended_because: null, end_time: null, attempts: 0 };
    await store.trials.transition(name, { from: ['Failed', 'Canceled'], to: 'NotStarted', set });
  }
  const seconds_used = secondsLeftOf(job) > 0 ? job.seconds_used : 0;
  const environment = meaningfulVariables(process.env);
  await store.jobs.transition(job.name, {
    ...{ from: ['Failed', 'Canceled'], to: 'Queued' },
    set: { error: null, end_time: null, seconds_used, setting: { ...setting, workspace, models, environment } },
  });
}

/** Looks for jobs and trials in the store, for jobs that start from what another has trained. */
const findRunIn =
  (place: Place, store: Store): FindRun =>
  async (name) => {
    const job = await store.jobs.find(name);
    if (job !== null) return { kind: 'job', bestTrial: job.best_trial };
    const trial = await store.trials.find(name);
    const parent = trial && (await store.jobs.find(trial.job));
    if (!parent) return null;
    return { kind: 'trial', task: parent.task ?? '', status: trial.status, folder: trialFolderOf(place, name) };
  };
