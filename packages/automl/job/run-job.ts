import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { ImageCache } from '@fovea/data';
import type { ModelTask } from '../model-folder/layout.ts';
import { stopsAfterReport } from '../search/early-termination.ts';
import type { Assignment } from '../search/space.ts';
import { type ImageJob, jobMode } from '../spec/job.ts';
import { trialHyperparameters } from '../spec/resolve-hyperparameters.ts';
import { runnableModels } from '../spec/runnable-models.ts';
import { type EarlierCheckpoint, earlierCheckpoint } from '../trainer/earlier-checkpoint.ts';
import { runTrial } from '../trainer/run-trial.ts';
import { modelFolderOf, reportOf } from '../trainer/trial-outputs.ts';
import type { Report, RunEvent } from './events.ts';
import { displayNameOf, generateJobName } from './job-name.ts';
import { type JobRecord, jobFolder, readJob, type TrialRecord, writeFileWhole, writeJob } from './job-record.ts';
import { planTrials } from './plan-trials.ts';
import { type JobData, prepareData } from './prepare-data.ts';
import { logSystem } from './system-log.ts';
import { logTrial } from './trial-log.ts';

export interface RunOptions {
  /** Folder that keeps jobs, usually `.fovea`. */
  workspace: string;
  /** Where the job's relative paths begin: the folder of the job file. */
  baseFolder: string;
  /** A checkpoint's path, `none` for random weights, or nothing for ImageNet weights where they can be had. */
  weights?: string | undefined;
  /** Choose what the job leaves open by the amount of data, as AutoMode does, instead of the documented defaults. */
  fitToData?: boolean;
  onEvent?: Report;
  signal?: AbortSignal;
}

/** What a job needs to go on after it was cut off; it stands beside the record. */
interface StoredJob {
  job: ImageJob;
  baseFolder: string;
  weights?: string | undefined;
  fitToData: boolean;
  /** The process that runs the job, or ran it last. */
  process: number;
}

/**
 * Runs a job to its end in this process: reads the data, trains each trial, keeps the best model.
 *
 * A job that is cut off, by the signal or by anything worse, goes on with `resumeJob` from the last finished epoch.
 * @returns the record of the job; its status says whether it completed, failed or was canceled
 * @throws IssuesError for data that is not right, WeightsError for a named checkpoint that is not: nothing was started then
 */
export async function runJob(job: ImageJob, options: RunOptions): Promise<JobRecord> {
  const name = job.name ?? generateJobName();
  if (readJob(options.workspace, name)) {
    throw new Error(
      `There is a job called ${name} already; choose another name, or go on with it: fovea job resume --name ${name}`,
    );
  }
  const stored: StoredJob = {
    job: { ...job, name },
    baseFolder: resolve(options.baseFolder),
    weights: options.weights,
    fitToData: options.fitToData ?? false,
    process: process.pid,
  };
  const record: JobRecord = {
    name,
    type: 'automl',
    task: job.task,
    display_name: job.display_name ?? displayNameOf(name),
    experiment_name: job.experiment_name,
    ...(job.description && { description: job.description }),
    status: 'NotStarted',
    creation_context: { created_at: new Date().toISOString() },
    start_time: null,
    end_time: null,
    primary_metric: job.primary_metric,
    best_trial: null,
    best_epoch: null,
    metrics: {},
    model: null,
    report: null,
    trials: [],
    tags: { ...job.tags },
    properties: { ...job.properties },
  };
  return execute(stored, record, options);
}

/**
 * Goes on with a job that was cut off, or failed. Finished trials stay as they are; failed ones are tried again, from their last
 * finished epoch.
 * @throws Error when there is no such job, or it has ended
 */
export async function resumeJob(
  name: string,
  options: Pick<RunOptions, 'workspace' | 'onEvent' | 'signal'>,
): Promise<JobRecord> {
  const record = readJob(options.workspace, name);
  if (!record) throw new Error(`There is no job called ${name} in ${options.workspace}`);
  if (record.status === 'Completed') throw new Error(`${name} is completed; there is nothing to go on with`);
  const stored = readStored(options.workspace, name);
  if (isJobAlive(options.workspace, name)) {
    throw new Error(`${name} is still running, as process ${stored.process}`);
  }
  const { error: _, ...rest } = record;
  // Whatever made a trial fail, a full disk or a learning rate, may be another now.
  for (const trial of rest.trials) {
    if (trial.status !== 'Failed') continue;
    trial.status = 'NotStarted';
    delete trial.error;
  }
  return execute({ ...stored, process: process.pid }, { ...rest, end_time: null }, options);
}

const cacheFolderOf = (workspace: string) => join(workspace, 'cache');

const storedPath = (workspace: string, name: string) => join(jobFolder(workspace, name), 'stored.json');

const readStored = (workspace: string, name: string): StoredJob =>
  JSON.parse(readFileSync(storedPath(workspace, name), 'utf8'));

/** Whether a process is running the job at this moment. */
export function isJobAlive(workspace: string, name: string): boolean {
  if (readJob(workspace, name)?.status !== 'Running') return false;
  try {
    return process.kill(readStored(workspace, name).process, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function execute(
  stored: StoredJob,
  record: JobRecord,
  {
    workspace,
    onEvent = () => {},
    signal = new AbortController().signal,
  }: Pick<RunOptions, 'workspace' | 'onEvent' | 'signal'>,
): Promise<JobRecord> {
  const { job } = stored;
  const folder = jobFolder(workspace, record.name);
  const earlier = await earlierCheckpoint(job.training_parameters, {
    workspace,
    baseFolder: stored.baseFolder,
    task: job.task as ModelTask,
  });
  if (earlier && stored.weights !== undefined) {
    throw new Error(`The job starts from ${earlier.from}, and other weights are named, too; leave one of them out`);
  }
  const data = await prepareData(job, {
    baseFolder: stored.baseFolder,
    folder,
    resumes: record.start_time !== null,
    cacheFolder: cacheFolderOf(workspace),
    seed: job.training_parameters.random_seed ?? 42,
    report: onEvent,
    signal,
  });

  mkdirSync(folder, { recursive: true });
  writeFileWhole(storedPath(workspace, record.name), `${JSON.stringify(stored, null, 2)}\n`);
  record.status = 'Running';
  record.start_time ??= new Date().toISOString();
  writeJob(workspace, record);

  const endsAt = Date.now() + job.limits.timeout_minutes * 60_000;
  const imageCache = ImageCache.create({ folder: join(cacheFolderOf(workspace), 'images') });
  const draws = planTrials(job, runnableModels(job.training_parameters, job.task));
  try {
    for (const [index, draw] of draws.entries()) {
      const name = `${record.name}_HD_${index}`;
      record.trials[index] ??= freshTrial(name);
      const trial = record.trials[index];
      if (trial.status === 'Completed' || trial.status === 'Failed') continue;
      signal.throwIfAborted();
      if (Date.now() > endsAt) break;
      await attempt(trial, {
        index,
        draw,
        of: draws.length,
        record,
        data,
        imageCache,
        earlier,
        folder,
        workspace,
        stored,
        onEvent,
        signal,
        endsAt,
      });
      chooseBest(record, folder);
      writeJob(workspace, record);
    }
    const timedOut = Date.now() > endsAt;
    const failed = record.trials.every((trial) => trial.status === 'Failed');
    record.status = failed ? 'Failed' : timedOut ? 'Canceled' : 'Completed';
    if (failed) record.error = record.trials[0].error;
    else if (timedOut) record.error = `timeout_minutes: ${job.limits.timeout_minutes} was reached`;
  } catch (error) {
    if (!signal.aborted) throw error;
    record.status = 'Canceled';
    record.error = 'interrupted';
  }
  record.end_time = new Date().toISOString();
  writeJob(workspace, record);
  onEvent({ type: 'done', record });
  return record;
}

interface Attempt {
  index: number;
  of: number;
  draw: Assignment;
  stored: StoredJob;
  record: JobRecord;
  data: JobData;
  imageCache: ImageCache;
  earlier: EarlierCheckpoint | null;
  folder: string;
  workspace: string;
  onEvent: Report;
  signal: AbortSignal;
  endsAt: number;
}

/** One trial; what goes wrong in it ends it, and not the job. @throws only when the signal is aborted */
async function attempt(trial: TrialRecord, attempt: Attempt): Promise<void> {
  const { index, of: trials, draw, stored, record, workspace, signal } = attempt;
  const { job } = stored;
  const folder = join(attempt.folder, trial.name);
  const log = logTrial(folder, job.log_verbosity);
  const endSystemLog = logSystem(folder);
  const report = (event: RunEvent) => {
    log(event);
    attempt.onEvent(event);
    if (event.type === 'epoch') writeJob(workspace, record);
  };
  trial.status = 'Running';
  try {
    const hyperparameters = trialHyperparameters(job, draw);
    report({
      type: 'trial',
      trial: trial.name,
      index,
      trials,
      model: hyperparameters.model_name,
      hyperparameters: draw,
    });
    trial.model_name = hyperparameters.model_name;
    const { timedOut } = await runTrial(trial, hyperparameters, {
      job: record.name,
      task: job.task,
      folder,
      cacheFolder: cacheFolderOf(workspace),
      imageCache: attempt.imageCache,
      data: attempt.data,
      weights: stored.weights,
      earlier: attempt.earlier,
      given: new Set(Object.keys({ ...job.training_parameters, ...draw })),
      fitToData: stored.fitToData || jobMode(job) === 'automode',
      report,
      signal,
      endsAt: attempt.endsAt,
      endEarly: () => shouldEnd(job, record, index),
    });
    trial.status = timedOut ? 'Canceled' : 'Completed';
  } catch (error) {
    if (signal.aborted) {
      trial.status = 'Canceled';
      throw error;
    }
    trial.status = 'Failed';
    trial.error = error instanceof Error ? error.message : String(error);
    report({ type: 'log', level: 'error', message: `${trial.name} failed: ${trial.error}` });
  } finally {
    endSystemLog(trial.status);
  }
}

const freshTrial = (name: string): TrialRecord => ({
  name,
  status: 'NotStarted',
  model_name: '',
  hyperparameters: {},
  best_epoch: null,
  metrics: {},
  epochs: [],
  properties: {},
});

/** Whether the sweep's policy ends the trial after its latest evaluation. */
function shouldEnd(job: ImageJob, record: JobRecord, index: number): boolean {
  const policy = job.sweep?.early_termination;
  if (!policy) return false;
  const histories = record.trials.map(({ epochs, status }) => ({
    reports: epochs.map(({ metrics }) => metrics[job.primary_metric]),
    finished: status === 'Completed',
  }));
  return stopsAfterReport(policy, 'maximize', histories, index);
}

/** The trial with the highest primary metric, the earlier of equals; its model becomes the job's. One that measured nothing comes last. */
function chooseBest(record: JobRecord, folder: string): void {
  const judged = record.trials.filter((trial) => trial.best_epoch !== null && trial.status !== 'Failed');
  const value = ({ metrics }: TrialRecord) => metrics[record.primary_metric] ?? Number.NEGATIVE_INFINITY;
  const best = judged.reduce<TrialRecord | null>((a, b) => (a && value(a) >= value(b) ? a : b), null);
  if (!best || best.name === record.best_trial) return;
  const link = join(folder, 'outputs', 'mlflow-model');
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(relative(dirname(link), modelFolderOf(join(folder, best.name))), link);
  record.best_trial = best.name;
  record.best_epoch = best.best_epoch;
  record.metrics = best.metrics;
  record.model = link;
  record.report = reportOf(join(folder, best.name));
  record.tags.automl_best_child_run_id = best.name;
}
