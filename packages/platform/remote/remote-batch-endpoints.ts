import { generateJobName } from '@fovea/automl/runs';
import type { BatchDeploymentRecord, BatchEndpointRecord, BatchEndpoints } from '../endpoints/batch/batch-endpoints.ts';
import type { JobRecord, JobSummary } from '../records.ts';
import { invalid, Refusal } from '../refusal.ts';
import { batchInput } from './batch-input.ts';
import { connect } from './connection.ts';
import { lastingRecord } from './lasting.ts';
import { type SendOptions, sendFiles } from './send-files.ts';
import { readToSend } from './sent-files.ts';
import { sentModel } from './sent-model.ts';
import type { ServerAddress } from './server-address.ts';
import { type FindJob, startedAnyway } from './started-anyway.ts';
import { ServerUnreachable } from './unreachable.ts';

export type OpenRemoteBatchEndpoints = (
  address: ServerAddress,
  options?: SendOptions,
) => Promise<BatchEndpoints & { close(): Promise<void> }>;

/**
 * Batch endpoints of a server. Models and pictures of this machine are sent there first, as far as the server does not have them.
 * @param options.signal ends the sending; what has come stays for a day
 */
export const openRemoteBatchEndpoints: OpenRemoteBatchEndpoints = async (address, sending = {}) => {
  const connection = connect(address);
  const { ask } = connection;
  const endpointPath = (name: string) => `/batch-endpoints/${encodeURIComponent(name)}`;
  const deploymentPath = (endpoint: string, name: string) =>
    `${endpointPath(endpoint)}/deployments/${encodeURIComponent(name)}`;
  const find: FindJob = (name) =>
    ask<JobRecord>('GET', `/jobs/${encodeURIComponent(name)}`).catch((error) => {
      if (error instanceof Refusal && error.reason === 'not-found') return null;
      throw error;
    });
  const removed = async (path: string) => (await ask<{ removed: boolean }>('DELETE', path)).removed;

  return {
    put: (endpoint, { revision } = {}) =>
      ask('PUT', endpointPath(endpoint.name), { body: { endpoint: specOf(endpoint), revision } }),
    find: (name) => ask('GET', endpointPath(name)),
    list: async () => (await ask<{ value: BatchEndpointRecord[] }>('GET', '/batch-endpoints')).value,
    delete: (name) => removed(endpointPath(name)),

    async deploy(deployment, where, { create, setDefault, revision } = {}) {
      const model = await sentModel(address, deployment, where, sending);
      const path = deploymentPath(deployment.endpoint_name, deployment.name);
      return ask<BatchDeploymentRecord>('PUT', path, {
        body: { deployment: { ...specOf(deployment), model }, create, setDefault, revision },
      });
    },
    findDeployment: (endpoint, name) => ask('GET', deploymentPath(endpoint, name)),
    async listDeployments(endpoint) {
      return (await ask<{ value: BatchDeploymentRecord[] }>('GET', `${endpointPath(endpoint)}/deployments`)).value;
    },
    deleteDeployment: (endpoint, name) => removed(deploymentPath(endpoint, name)),

    async invoke({ endpoint, input, output, ...more }, { baseFolder }): Promise<JobRecord> {
      if (output !== undefined && !/^azureml:/i.test(output)) {
        const hint = 'fovea job download copies them when the job has completed';
        throw new Refusal('invalid', 'UnsupportedOutput', `results of a server are not written to ${output}; ${hint}`, {
          target: 'output',
        });
      }
      const jobName = more.jobName ?? generateJobName();
      const asked = { ...more, output, jobName };
      const start = async (body: object): Promise<JobRecord> => {
        try {
          return await lastingRecord(connection, ['POST', `${endpointPath(endpoint)}/jobs`, { body }]);
        } catch (error) {
          if (!(error instanceof ServerUnreachable) || !error.passing) throw error;
          const record = await startedAnyway(find, jobName, undefined, error);
          if (record !== null) return record;
          throw error;
        }
      };
      if (/^azureml:/i.test(input)) return start({ ...asked, input });
      if (/^[a-z][a-z0-9+.-]+:/i.test(input) && !/^file:/i.test(input))
        throw invalid(`${input} cannot be sent; a path of this machine is needed`, 'input', 'UnsupportedPath');
      const { pattern, ...files } = await batchInput(input, baseFolder ?? '.');
      const id = await sendFiles(connection, await readToSend(files, sending), sending);
      return start({ ...asked, upload: { upload: id, path: files.path, given: input }, pattern });
    },

    async jobs(endpoint, { deployment, most } = {}) {
      const query = { deployment, most };
      return (await ask<{ value: JobSummary[] }>('GET', `${endpointPath(endpoint)}/jobs`, { query })).value;
    },

    close: async () => connection.close(),
  };
};

/** What a record says of how it came to be is not said back. */
function specOf<Spec extends object>(record: Spec): Spec {
  const {
    provisioning_state: _,
    created_at: __,
    changed_at: ___,
    revision: ____,
    ...spec
  } = record as Spec & Partial<BatchEndpointRecord>;
  return spec as Spec;
}
