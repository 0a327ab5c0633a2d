import type {
  OnlineDeploymentRecord,
  OnlineEndpointRecord,
  OnlineEndpoints,
} from '../endpoints/online/online-endpoints.ts';
import { deploymentSpec, endpointSpec } from '../endpoints/online/online-records.ts';
import type { Waited } from '../wire/protocol.ts';
import { type Asking, connect } from './connection.ts';
import type { SendOptions } from './send-files.ts';
import { sentModel } from './sent-model.ts';
import type { ServerAddress } from './server-address.ts';

export type OpenRemoteOnlineEndpoints = (
  address: ServerAddress,
  options?: SendOptions,
) => Promise<OnlineEndpoints & { close(): Promise<void> }>;

/**
 * Online endpoints of a server. A model that is a path of this machine is sent there first, as far as the server does not have its files.
 * @param options.signal ends the sending; what has come stays for a day
 */
export const openRemoteOnlineEndpoints: OpenRemoteOnlineEndpoints = async (address, sending = {}) => {
  const connection = connect(address);
  const { ask } = connection;
  const endpointPath = (name: string) => `/online-endpoints/${encodeURIComponent(name)}`;
  const deploymentPath = (endpoint: string, name: string) =>
    `${endpointPath(endpoint)}/deployments/${encodeURIComponent(name)}`;
  const list = async <Record>(path: string) => (await ask<{ value: Record[] }>('GET', path)).value;
  const removed = async (path: string) => (await ask<{ removed: boolean }>('DELETE', path)).removed;

  /** The server holds its answers back, so that this does not ask in vain too often. */
  const waited = async <Record>(path: string, signal: AbortSignal | undefined): Promise<Record | null> => {
    const asking: Asking = signal ? { signal } : {};
    for (;;) {
      signal?.throwIfAborted();
      const answer = await ask<Waited<Record>>('GET', path, asking);
      if (answer.settled) return answer.record;
    }
  };

  return {
    put: (endpoint, { revision } = {}) =>
      ask<OnlineEndpointRecord>('PUT', endpointPath(endpoint.name), {
        body: { endpoint: endpointSpec(endpoint), revision },
      }),
    find: (name) => ask('GET', endpointPath(name)),
    list: () => list<OnlineEndpointRecord>('/online-endpoints'),
    applied: (name, signal) => waited(`${endpointPath(name)}/applied`, signal),
    delete: (name) => removed(endpointPath(name)),
    credentials: (name) => ask('POST', `${endpointPath(name)}/credentials`, { body: {} }),
    async regenerateKey(name, which, value) {
      await ask('POST', `${endpointPath(name)}/keys`, { body: { which, value } });
    },

    async deploy(deployment, where, { create, revision } = {}) {
      const path = deploymentPath(deployment.endpoint_name, deployment.name);
      const model = await sentModel(address, deployment, where, sending);
      return ask<OnlineDeploymentRecord>('PUT', path, {
        body: { deployment: { ...deploymentSpec(deployment), model }, create, revision },
      });
    },
    findDeployment: (endpoint, name) => ask('GET', deploymentPath(endpoint, name)),
    listDeployments: (endpoint) => list<OnlineDeploymentRecord>(`${endpointPath(endpoint)}/deployments`),
    deleteDeployment: (endpoint, name) => removed(deploymentPath(endpoint, name)),
    settled: (endpoint, name, signal) => waited(`${deploymentPath(endpoint, name)}/settled`, signal),
    async logs(endpoint, name, { lines, container } = {}) {
      const path = `${deploymentPath(endpoint, name)}/logs`;
      return (await ask<{ content: string }>('GET', path, { query: { lines, container } })).content;
    },

    close: async () => connection.close(),
  };
};
