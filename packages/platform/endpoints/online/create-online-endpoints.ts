import { setTimeout as wait } from 'node:timers/promises';
import type { Place } from '../../place.ts';
import { invalid, Refusal } from '../../refusal.ts';
import { parseAssetReference, type Registry, referenceTo } from '../../registry/index.ts';
import { type ResourceRow, type Store, StoreUnavailable } from '../../store/index.ts';
import { keeperStarter } from '../keeper/ensure-keeper.ts';
import { checkKey, endpointToken, type KeyName, newKey, openSealedKeys, sealKey } from './credentials.ts';
import { isSettled, type KeptDeployment } from './deployment-change.ts';
import { deploymentLogs } from './deployment-logs.ts';
import type { OnlineDeploymentRecord, OnlineEndpoints } from './online-endpoints.ts';
import { checkOnlineName } from './online-names.ts';
import {
  deploymentRecord,
  deploymentSpec,
  endpointRecord,
  endpointSpec,
  type KeptEndpoint,
  keptDeployment,
  keptEndpoint,
  knownGateway,
} from './online-records.ts';
import { onlineKinds } from './online-rows.ts';
import type { OnlineDeploymentSpec } from './online-spec.ts';
import { rowAccess } from './row-access.ts';
import { servableModel } from './servable-model.ts';
import { checkTraffic, withoutShares } from './traffic-rules.ts';
import { requireRoom, writeDeployment } from './write-deployment.ts';

const pollMilliseconds = 150;
const usualLogLines = 50;
const kinds = onlineKinds;

/**
 * Online endpoints as rows of the store. What concerns several deployments at once (traffic, how many there are, whether one may go) stands in
 * the endpoint's row and changes by its revision, so that of two who change it at once the second acts on what the first has left.
 *
 * @param ensure sees to it that a keeper makes true what the rows say
 */
export function createOnlineEndpoints(
  place: Place,
  store: Store,
  registry: Registry,
  ensure: () => Promise<void> = keeperStarter(place, store),
): OnlineEndpoints {
  const { resources } = store;
  const rows = rowAccess(store);

  /** @throws Refusal when another workspace folder has it */
  const requireOurs = (row: ResourceRow, what: string): KeptEndpoint => {
    const endpoint = keptEndpoint(row);
    if (endpoint.workspace === place.id) return endpoint;
    const message = `${row.name} is served by another workspace folder that shares this database; ${what} there`;
    throw new Refusal('conflict', 'ServedElsewhere', message);
  };

  /** Whoever waits sees to it that somebody works on it. @throws Refusal when nobody can */
  const requireKeeper = async (...rows: readonly ResourceRow[]): Promise<void> => {
    if (!rows.some(({ spec }) => (spec as KeptEndpoint | KeptDeployment).workspace === place.id)) return;
    try {
      await ensure();
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      throw new Refusal('conflict', 'KeeperFailed', (error as Error).message, { cause: error });
    }
  };

  /** Whoever looks does so, too; that it cannot be done is told to those who wait for it. */
  const kept = (...rows: readonly ResourceRow[]): Promise<void> =>
    requireKeeper(...rows).catch((error: unknown) => {
      if (!(error instanceof Refusal)) throw error;
    });

  const answered = async (row: ResourceRow) =>
    endpointRecord(row, await knownGateway(store, keptEndpoint(row).workspace));

  const recorded = async (row: ResourceRow): Promise<OnlineDeploymentRecord> =>
    deploymentRecord(row, await rows.stateOf(row));

  /** Whether nothing is left of what was removed of an endpoint. */
  const isRemoved = async (endpoint: string): Promise<boolean> => {
    const deployments = await rows.deploymentsOf(checkOnlineName(endpoint, 'endpoint'));
    const ending = deployments.filter((row) => keptDeployment(row).deleting);
    await requireKeeper(...ending);
    return ending.length === 0;
  };

  return {
    async put(given, { revision } = {}) {
      checkOnlineName(given.name, 'endpoint');
      const endpoint = { ...endpointSpec(given), ...withoutShares(given, null) };
      for (;;) {
        const row = await resources.find(kinds.endpoint, endpoint.name);
        if (revision !== undefined && row?.revision !== revision) throw changedMeanwhile(endpoint.name);
        const before = row && keptEndpoint(row);
        checkTraffic(given, before?.deployments ?? []);
        const { workspace, keys, deployments } = before ?? {
          workspace: place.id,
          keys: {
            primary: sealKey(place, endpoint.name, 'primary', newKey()),
            secondary: sealKey(place, endpoint.name, 'secondary', newKey()),
          },
          deployments: [],
        };
        const spec: KeptEndpoint = { ...endpoint, workspace, keys, deployments };
        const written = row
          ? await resources.change(kinds.endpoint, endpoint.name, { spec }, { revision: row.revision })
          : await resources.add(kinds.endpoint, endpoint.name, spec);
        if (!written) continue;
        await kept(written);
        return answered(written);
      }
    },

    async find(name) {
      const row = await rows.endpoint(name);
      await kept(row);
      return answered(row);
    },

    applied: (name, signal) =>
      until(async () => {
        const row = await resources.find(kinds.endpoint, checkOnlineName(name, 'endpoint'));
        if (!row) return (await isRemoved(name)) ? { found: null } : null;
        const record = await answered(row);
        if (isSettled(record.provisioning_state)) return { found: record };
        await requireKeeper(row);
        return null;
      }, signal),

    async list() {
      const found = (await resources.list(kinds.endpoint)).rows;
      await kept(...found);
      return Promise.all(found.map(answered));
    },

    async delete(name) {
      checkOnlineName(name, 'endpoint');
      const row = await resources.find(kinds.endpoint, name);
      // First, lest they outlive it when this process ends here.
      for (const deployment of await rows.deploymentsOf(name)) await rows.markDeleting(deployment);
      const wasThere = await resources.delete(kinds.endpoint, name);
      // Nobody can add another one now: who tries finds no endpoint, and takes it back.
      const deployments = await rows.deploymentsOf(name);
      for (const deployment of deployments) await rows.markDeleting(deployment);
      await kept(...(row ? [row] : []), ...deployments);
      return wasThere;
    },

    async credentials(name) {
      const row = await rows.endpoint(name);
      const endpoint = requireOurs(row, 'ask');
      if (endpoint.auth_mode === 'aad_token') {
        const message = `${name} takes tokens of this workspace (auth_mode aad_token) and has no credentials of its own; fovea token create makes one`;
        throw new Refusal('invalid', 'NoCredentials', message);
      }
      const { primary, secondary } = openSealedKeys(place, endpoint);
      return endpoint.auth_mode === 'key'
        ? { primaryKey: primary, secondaryKey: secondary }
        : endpointToken(place, name, primary);
    },

    async regenerateKey(name, which, value) {
      const row = await rows.endpoint(name);
      const key = value === undefined ? newKey() : checkKey(value);
      requireOurs(row, 'change its keys');
      if (keptEndpoint(row).auth_mode === 'aad_token') {
        const message = `${name} takes tokens of this workspace (auth_mode aad_token) and has no keys; fovea token rotate gives a token another secret`;
        throw new Refusal('invalid', 'NoCredentials', message);
      }
      const changed = await rows.changeEndpoint(name, (now) => {
        const keys: KeptEndpoint['keys'] = { ...now.keys, [which satisfies KeyName]: sealKey(place, name, which, key) };
        return { ...now, keys };
      });
      if (!changed) await rows.endpoint(name);
      await kept(row);
    },

    async deploy(deployment, where, { create = false, revision } = {}) {
      checkOnlineName(deployment.name, 'deployment');
      const { endpoint_name: endpointName, name } = deployment;
      const requireWritable = async () => {
        const endpoint = requireOurs(await rows.endpoint(endpointName), 'deploy');
        const row = await rows.deployment(endpointName, name);
        if (row && keptDeployment(row).deleting) {
          const message = `${name} of ${endpointName} is being removed; deploy it again in a moment, or under another name`;
          throw new Refusal('conflict', 'DeploymentDeleting', message);
        }
        if (row && create) {
          const message = `there is a deployment ${name} of ${endpointName} already; fovea online-deployment update changes it`;
          throw new Refusal('conflict', 'DeploymentExists', message, { target: 'name' });
        }
        if (revision !== undefined && row?.revision !== revision) throw changedMeanwhile(`${endpointName}/${name}`);
        if (!row) requireRoom(endpoint);
        return row;
      };
      requireCount(deployment);
      // Before files are read and registered.
      const before = await requireWritable();
      const model =
        before && keptDeployment(before).model === exactReference(deployment.model)
          ? keptDeployment(before).model
          : await servableModel({ place, store, registry }, deployment, where);
      for (;;) {
        const wanted = { ...deploymentSpec(deployment), model, workspace: place.id, deleting: false };
        const written = await writeDeployment(store, rows, await requireWritable(), wanted);
        if (!written) continue;
        await kept(written);
        return recorded(written);
      }
    },

    async findDeployment(endpoint, name) {
      const row = await rows.deployment(endpoint, name);
      if (!row) {
        await rows.endpoint(endpoint);
        throw deploymentNotFound(endpoint, name);
      }
      await kept(row);
      return recorded(row);
    },

    async listDeployments(endpoint) {
      const found = await rows.endpoint(endpoint);
      const deployments = await rows.deploymentsOf(endpoint);
      await kept(found);
      return Promise.all(deployments.map(recorded));
    },

    async deleteDeployment(endpoint, name) {
      const row = await rows.deployment(endpoint, name);
      await rows.changeEndpoint(endpoint, (now) => {
        requireNoTraffic(now, name);
        const isNamed = now.deployments.includes(name) || Object.hasOwn(now.traffic, name);
        if (!isNamed) return null;
        return { ...now, ...withoutShares(now, name), deployments: now.deployments.filter((one) => one !== name) };
      });
      if (!row) return false;
      const marked = await rows.markDeleting(row);
      await kept(row);
      return marked !== null;
    },

    settled: (endpoint, name, signal) =>
      until(async () => {
        const row = await rows.deployment(endpoint, name);
        if (!row) return { found: null };
        const record = await recorded(row);
        if (isSettled(record.provisioning_state)) return { found: record };
        await requireKeeper(row);
        return null;
      }, signal),

    async logs(endpoint, name, { lines = usualLogLines, container = 'inference-server' } = {}) {
      const row = await rows.deployment(endpoint, name);
      if (!row) throw deploymentNotFound(endpoint, name);
      requireOurs(row, 'read its logs');
      return deploymentLogs(place, { endpoint, deployment: name }, { lines, container });
    },
  };
}

/** Asks again and again until there is an answer. */
async function until<T>(ask: () => Promise<{ found: T } | null>, signal: AbortSignal | undefined): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer) return answer.found;
    signal?.throwIfAborted();
    await wait(pollMilliseconds, undefined, { ...(signal && { signal }) }).catch((error) => {
      signal?.throwIfAborted();
      throw error;
    });
  }
}

/** The version that a reference names, in the words of rows; null when it has to be looked for. */
function exactReference(model: OnlineDeploymentSpec['model']): string | null {
  const reference = typeof model === 'string' ? parseAssetReference(model) : null;
  return reference && !reference.version.startsWith('@') ? referenceTo(reference) : null;
}

function requireNoTraffic({ name, traffic, mirror_traffic }: KeptEndpoint, deployment: string): void {
  const live = traffic[deployment] ?? 0;
  const mirrored = mirror_traffic[deployment] ?? 0;
  if (live === 0 && mirrored === 0) return;
  const what =
    live > 0 ? `${live} % of the traffic of ${name}` : `${mirrored} % of the traffic of ${name} mirrored to it`;
  const message = `${deployment} has ${what}; give it to others first (fovea online-endpoint update --name ${name} ${live > 0 ? '--traffic' : '--mirror-traffic'} …)`;
  throw new Refusal('conflict', 'DeploymentHasTraffic', message, { target: live > 0 ? 'traffic' : 'mirror_traffic' });
}

function requireCount({ instance_count }: OnlineDeploymentSpec): void {
  if (Number.isInteger(instance_count) && instance_count >= 1 && instance_count <= 50) return;
  throw invalid(`instance_count should be a whole number, 1 to 50, not ${instance_count}`, 'instance_count');
}

const changedMeanwhile = (name: string) =>
  new Refusal('changed', 'ChangedMeanwhile', `${name} has been changed by somebody else; look at it, and try again`);

const deploymentNotFound = (endpoint: string, name: string) =>
  new Refusal('not-found', 'DeploymentNotFound', `${endpoint} has no deployment ${name}`, { target: 'deployment' });
