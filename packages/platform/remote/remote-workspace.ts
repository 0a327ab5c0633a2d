import type { Artefact } from '../artefacts.ts';
import type { JobRecord, JobSummary, TrialRecord, TrialSummary } from '../records.ts';
import { Refusal } from '../refusal.ts';
import type { MetricPoint } from '../store/index.ts';
import { isRelativePath, isSha256 } from '../wire/relative-path.ts';
import type { Workspace } from '../workspace.ts';
import { connect } from './connection.ts';
import { fetchFile } from './fetch-file.ts';
import { followJob } from './follow-job.ts';
import { lastingRecord } from './lasting.ts';
import { cachedModel } from './model-cache.ts';
import type { ServerAddress } from './server-address.ts';
import { submitJob } from './submit-job.ts';
import { ServerUnreachable } from './unreachable.ts';

export type OpenRemoteWorkspace = (address: ServerAddress) => Promise<Workspace>;

/** The workspace of a server. @throws Refusal for an address that is none; whether the server is there shows when it is asked */
export const openRemoteWorkspace: OpenRemoteWorkspace = async (address) => {
  const connection = connect(address);
  const { ask, origin } = connection;
  const path = (kind: 'jobs' | 'trials', name: string) => `/${kind}/${encodeURIComponent(name)}`;

  const jobs = async (query: Record<string, string | number | undefined>) =>
    (await ask<{ value: JobSummary[] }>('GET', '/jobs', { query })).value;

  /** Names of the server's become paths here: they are what was asked for. */
  const required = async (name: string): Promise<JobRecord> => {
    const record = await ask<JobRecord>('GET', path('jobs', name));
    if (record.name !== name || record.trials.some((trial) => !trial.name.startsWith(`${name}_HD_`)))
      throw new ServerUnreachable(`${origin} answers with another job than ${name}`, { passing: false });
    return record;
  };

  const artefacts = async (trial: string): Promise<Artefact[]> => {
    const { value } = await ask<{ value: Artefact[] }>('GET', `${path('trials', trial)}/artefacts`);
    const odd = value.find((one) => !isRelativePath(one.path) || !isSha256(one.sha256));
    if (odd === undefined) return value;
    throw new ServerUnreachable(`${origin} names a file that cannot be: ${JSON.stringify(odd.path)}`, {
      passing: false,
    });
  };

  return {
    address: origin,

    submit: (job, options) => submitJob(connection, job, options, (name) => orNull(required(name))),

    resume: (name, { onEvent, signal } = {}) =>
      lastingRecord(connection, ['POST', `${path('jobs', name)}/resume`, { body: {}, signal }], { onEvent }),

    job: (name) => orNull(required(name)),

    jobs: ({ archived, most } = {}) => jobs({ archived, most }),

    trial: (name) => orNull(ask<TrialRecord>('GET', path('trials', name))),

    trials: async (job) => (await ask<{ value: TrialSummary[] }>('GET', `${path('jobs', job)}/trials`)).value,

    async metrics(trial, { name } = {}) {
      const query = { name };
      return (await ask<{ value: MetricPoint[] }>('GET', `${path('trials', trial)}/metrics`, { query })).value;
    },

    watch: (name, options) => followJob(connection, name, () => required(name), options),

    cancel: (name) => ask('POST', `${path('jobs', name)}/cancel`, { body: {} }),

    async archive(name) {
      await ask('PATCH', path('jobs', name), { body: { archived: true } });
    },

    async restore(name) {
      await ask('PATCH', path('jobs', name), { body: { archived: false } });
    },

    async delete(name) {
      await ask('DELETE', path('jobs', name));
    },

    update: (name, { tags, properties }) => ask('PATCH', path('jobs', name), { body: { tags, properties } }),

    log: (trial, from = 0) => connection.bytes(`${path('trials', trial)}/log`, { query: { from } }),

    artefacts,

    saveArtefact: (trial, artefact, to) =>
      fetchFile(connection, `${path('trials', trial)}/artefacts/file`, artefact, to),

    async modelFolder(job) {
      const { best_trial: best, model } = await required(job);
      if (best === null || model === null) return null;
      const folder = 'outputs/mlflow-model/';
      const files = (await artefacts(best)).filter((file) => file.path.startsWith(folder));
      const named = files.map((file) => ({ ...file, path: file.path.slice(folder.length), from: file.path }));
      return cachedModel(connection, `${path('trials', best)}/artefacts/file`, named);
    },

    close: async () => connection.close(),
  };
};

/** null for what the server does not have. */
async function orNull<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Refusal && error.reason === 'not-found') return null;
    throw error;
  }
}
