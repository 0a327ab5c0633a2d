import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { jobFolder, trialLogPath } from '@fovea/automl/runs';
import { filesOf, readArtefactList } from './artefacts.ts';
import { batchJobType, batchPaths } from './endpoints/batch/batch-job.ts';
import { orchestratorStarter } from './orchestrator/ensure-orchestrator.ts';
import { placeOf, trialFolderOf } from './place.ts';
import { hasEnded, type JobRecord, recordedJob, recordedTrial, summarisedJob, summarisedTrial } from './records.ts';
import { type JobRow, type MetricPoint, openStore, statuses, type TrialRow } from './store/index.ts';
import { resumeJob, submitJob } from './submit.ts';
import { watchJob } from './watch/watch-job.ts';
import type { LocalWorkspace } from './workspace.ts';

export interface WorkspaceAddress {
  /** Folder of the workspace, usually `.fovea`; made when it is not there. */
  readonly folder: string;
  /** `postgres://…` of a team's database. Default: `FOVEA_DATABASE`, or else SQLite in the folder. */
  readonly database?: string;
  /** What names it behind a command that is to be typed next: see `Place`. */
  readonly words?: string;
}

export type OpenWorkspace = (address: WorkspaceAddress) => Promise<LocalWorkspace>;

/** @throws StoreUnavailable when the database cannot be reached or written, Error when a newer Fovea made it */
export const openWorkspace: OpenWorkspace = async (address) => {
  const place = placeOf(address);
  const store = await openStore(place);
  const ensure = orchestratorStarter(place, store);

  const required = async (name: string): Promise<JobRow> => {
    const job = await store.jobs.find(name);
    if (job === null) throw new Error(`there is no job called ${name} in ${place.folder}`);
    return job;
  };
  const ended = async (name: string, what: string): Promise<void> => {
    const { status } = await required(name);
    if (hasEnded(status)) return;
    throw new Error(
      `${name} is ${status}, and only a job that has ended can be ${what}; fovea job cancel${place.words ?? ''} --name ${name} ends it`,
    );
  };
  const record = async (name: string): Promise<JobRecord> => {
    const job = await required(name);
    const trials = await store.trials.ofJob(name);
    const best = trials.find((trial) => trial.name === job.best_trial) ?? null;
    const recorded = trials.map(async (trial) => recordedTrial(trial, await store.metrics.ofTrial(trial.name)));
    return recordedJob(place, job, { best, trials: await Promise.all(recorded) });
  };

  /** Where a job that scores pictures leaves its results; null for what is none. */
  const resultsOf = async (name: string): Promise<string | null> =>
    (await store.jobs.find(name))?.type === batchJobType ? batchPaths(place, name).results : null;

  return {
    folder: place.folder,
    address: place.folder,

    async submit(job, options) {
      // It takes a moment to be there: long enough to read some data.
      await ensure();
      const { name } = await submitJob(place, store, job, options);
      await ensure();
      return record(name);
    },

    async resume(name, options = {}) {
      await resumeJob(place, store, await required(name), options);
      await ensure();
      return record(name);
    },

    async job(name) {
      const job = await store.jobs.find(name);
      if (job === null) return null;
      // Whoever asks sees to it that somebody works on it.
      if (!hasEnded(job.status)) await ensure();
      return record(name);
    },

    async jobs({ archived = 'active', most } = {}) {
      const { rows } = await store.jobs.list({ archived, ...(most !== undefined && { most }) });
      if (rows.some(({ status }) => !hasEnded(status))) await ensure();
      const names = rows.flatMap(({ best_trial }) => best_trial ?? []);
      const best = new Map<string, TrialRow>((await store.trials.findAll(names)).map((trial) => [trial.name, trial]));
      return rows.map((row) => summarisedJob(place, row, best.get(row.best_trial ?? '') ?? null));
    },

    async trial(name) {
      const row = await store.trials.find(name);
      return row && recordedTrial(row, await store.metrics.ofTrial(name));
    },

    async trials(job) {
      await required(job);
      return (await store.trials.ofJob(job)).map(summarisedTrial);
    },

    async metrics(trial, filter = {}): Promise<MetricPoint[]> {
      if ((await store.trials.find(trial)) === null) throw new Error(`there is no trial called ${trial}`);
      return store.metrics.ofTrial(trial, filter);
    },

    async watch(name, options) {
      await required(name);
      await watchJob(place, store, name, { ...options, ensure });
      return record(name);
    },

    async cancel(name) {
      const { status } = await required(name);
      const from = statuses.filter((one) => !hasEnded(one));
      if (!hasEnded(status)) await store.jobs.transition(name, { from, to: 'CancelRequested' });
      await ensure();
      return record(name);
    },

    async archive(name) {
      await ended(name, 'archived');
      await store.jobs.patch(name, { archived: true });
    },

    async restore(name) {
      await required(name);
      await store.jobs.patch(name, { archived: false });
    },

    async delete(name) {
      await ended(name, 'deleted');
      const folder = jobFolder(place.folder, name);
      const removed = join(dirname(folder), `.${name}.${randomUUID()}.tmp`);
      // Out of the way first: when the row is gone, the name is free for another job.
      await rename(folder, removed).catch(ignoreMissing);
      await store.jobs.delete(name);
      await rm(removed, { recursive: true, force: true });
    },

    async update(name, changes) {
      await required(name);
      await store.jobs.patch(name, changes);
      return record(name);
    },

    jobFolder: (name) => jobFolder(place.folder, name),
    trialFolder: (name) => trialFolderOf(place, name),
    trialLog: (name) => trialLogPath(trialFolderOf(place, name)),

    async artefacts(trial) {
      const results = await resultsOf(trial);
      if (results) return filesOf(results);
      if ((await store.trials.find(trial)) === null) throw new Error(`there is no trial called ${trial}`);
      return readArtefactList(trialFolderOf(place, trial));
    },

    async log(trial, from = 0) {
      if (await resultsOf(trial)) return bytesFrom(batchPaths(place, trial).log, from);
      if ((await store.trials.find(trial)) === null) throw new Error(`there is no trial called ${trial}`);
      return bytesFrom(trialLogPath(trialFolderOf(place, trial)), from);
    },

    async saveArtefact(trial, { path }, to) {
      const results = await resultsOf(trial);
      const artefacts = results ? await filesOf(results) : await readArtefactList(trialFolderOf(place, trial));
      if (!artefacts.some((one) => one.path === path)) throw new Error(`${trial} has left no file ${path}`);
      await mkdir(dirname(to), { recursive: true });
      await copyFile(join(results ?? trialFolderOf(place, trial), path), to, constants.COPYFILE_FICLONE);
    },

    modelFolder: async (name) => (await record(name)).model,

    close: () => store.close(),
  };
};

/** The most that is read of a log at a time. */
const mostLogBytes = 8 << 20;

/** What a file has from a byte on; nothing of a file that is not there. */
async function bytesFrom(path: string, from: number): Promise<Uint8Array> {
  const file = await open(path).catch((error) => ignoreMissing(error));
  if (!file) return new Uint8Array();
  try {
    const { size } = await file.stat();
    const bytes = Buffer.alloc(Math.min(mostLogBytes, Math.max(0, size - from)));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
