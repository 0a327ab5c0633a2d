import { setTimeout as wait } from 'node:timers/promises';
import type { Place } from '../../place.ts';
import { invalid, Refusal } from '../../refusal.ts';
import { parseAssetReference, type Registry, referenceTo } from '../../registry/index.ts';
import type { ResourceRow, Store } from '../../store/index.ts';
import { keeperStarter } from '../keeper/ensure-keeper.ts';
import { checkKey, endpointToken, type KeyName, newKey, openSealedKeys, sealKey } from './credentials.ts';
import { changeBetween, isSettled, type KeptDeployment } from './deployment-change.ts';
import { deploymentLogs } from './deployment-logs.ts';
import type { OnlineDeploymentRecord, OnlineEndpoints } from './online-endpoints.ts';
import { checkOnlineName, deploymentRowName } from './online-names.ts';
import {
  deploymentRecord,
  endpointRecord,
  type KeptEndpoint,
  keptDeployment,
  keptEndpoint,
  knownGateway,
} from './online-records.ts';
import { type OnlineDeploymentStateRow, onlineKinds } from './online-rows.ts';
import type { OnlineDeploymentSpec } from './online-spec.ts';
import { servableModel } from './servable-model.ts';
import { checkTraffic, withoutShares } from './traffic-rules.ts';

/** As Azure has it. */
const mostDeployments = 20;
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

  const endpointRow = async (name: string): Promise<ResourceRow> => {
    const row = await resources.find(kinds.endpoint, checkOnlineName(name, 'endpoint'));
    if (row) return row;
    throw new Refusal('not-found', 'EndpointNotFound', `there is no online endpoint ${name}`, { target: 'endpoint' });
  };

  /** Changes the endpoint's row, on the strength of what it is at that moment. @returns null when it is gone */
  const changeEndpoint = async (
    name: string,
    change: (now: KeptEndpoint, row: ResourceRow) => KeptEndpoint | null,
  ): Promise<ResourceRow | null> => {
    for (;;) {
      const row = await resources.find(kinds.endpoint, name);
      if (!row) return null;
      const spec = change(keptEndpoint(row), row);
      if (spec === null) return row;
      const changed = await resources.change(kinds.endpoint, name, { spec }, { revision: row.revision });
      if (changed) return changed;
    }
  };

  /** @throws Refusal when another workspace folder has it */
  const requireOurs = (row: ResourceRow, what: string): KeptEndpoint => {
    const endpoint = keptEndpoint(row);
    if (endpoint.workspace === place.id) return endpoint;
    const message = `${row.name} is served by another workspace folder that shares this database; ${what} there`;
    throw new Refusal('conflict', 'ServedElsewhere', message);
  };

  /** Whoever looks sees to it that somebody works on it. */
  const kept = async (...rows: readonly ResourceRow[]): Promise<void> => {
    if (!rows.some(({ spec }) => (spec as KeptEndpoint | KeptDeployment).workspace === place.id)) return;
    try {
      await ensure();
    } catch (error) {
      throw new Refusal('conflict', 'KeeperFailed', (error as Error).message, { cause: error });
    }
  };

  const answered = async (row: ResourceRow) =>
    endpointRecord(row, await knownGateway(store, keptEndpoint(row).workspace));

  const deploymentRow = (endpoint: string, name: string): Promise<ResourceRow | null> =>
    resources.find(
      kinds.deployment,
      deploymentRowName(checkOnlineName(endpoint, 'endpoint'), checkOnlineName(name, 'deployment')),
    );

  const stateOf = (row: Pick<ResourceRow, 'name'>) => resources.find(kinds.deploymentState, row.name);

  const recorded = async (row: ResourceRow): Promise<OnlineDeploymentRecord> =>
    deploymentRecord(row, await stateOf(row));

  const deploymentsOf = async (endpoint: string): Promise<ResourceRow[]> => {
    const { rows } = await resources.list(kinds.deployment);
    return rows.filter(({ name }) => name.startsWith(`${endpoint}/`));
  };

  const isRemoved = async (endpoint: string): Promise<boolean> => {
    const rows = await deploymentsOf(checkOnlineName(endpoint, 'endpoint'));
    const ending = rows.filter((row) => keptDeployment(row).deleting);
    await kept(...ending);
    return ending.length === 0;
  };

  const markDeleting = async (name: string): Promise<ResourceRow | null> => {
    for (;;) {
      const row = await resources.find(kinds.deployment, name);
      if (!row || keptDeployment(row).deleting) return row;
      const before = keptDeployment(row);
      const spec: KeptDeployment = { ...before, deleting: true, generation: before.generation + 1 };
      const changed = await resources.change(kinds.deployment, name, { spec }, { revision: row.revision });
      if (changed) return changed;
    }
  };

  /** Counts a deployment among those of its endpoint; one that cannot be is taken back. */
  const admit = async (row: ResourceRow, isNew: boolean): Promise<void> => {
    const { endpoint_name, name } = keptDeployment(row);
    const withdraw = () => (isNew ? resources.delete(kinds.deployment, row.name) : null);
    try {
      const endpoint = await changeEndpoint(endpoint_name, (now) => {
        if (now.deployments.includes(name)) return null;
        requireRoom(now);
        return { ...now, deployments: [...now.deployments, name] };
      });
      if (endpoint) return;
    } catch (error) {
      await withdraw();
      throw error;
    }
    await withdraw();
    throw new Refusal('not-found', 'EndpointNotFound', `the online endpoint ${endpoint_name} was removed just now`);
  };

  const addDeployment = async (
    endpoint: KeptEndpoint,
    spec: Omit<KeptDeployment, 'generation'>,
  ): Promise<ResourceRow | null> => {
    requireRoom(endpoint);
    const name = deploymentRowName(spec.endpoint_name, spec.name);
    // What is left of one that had this name speaks of generations before this one.
    const left = (await stateOf({ name }))?.spec as OnlineDeploymentStateRow | undefined;
    const row = await resources.add(kinds.deployment, name, { ...spec, generation: (left?.generation ?? 0) + 1 });
    if (row) await admit(row, true);
    return row;
  };

  const changeDeployment = async (
    row: ResourceRow,
    spec: Omit<KeptDeployment, 'generation'>,
  ): Promise<ResourceRow | null> => {
    const before = keptDeployment(row);
    const state = (await stateOf(row))?.spec as OnlineDeploymentStateRow | undefined;
    const isSeen = state !== undefined && state.generation >= before.generation;
    const differing = changeBetween(before, spec);
    // Asked for once more, what failed is tried once more.
    const isRetried = differing === 'nothing' && isSeen && state.provisioning_state === 'Failed';
    if (differing === 'nothing' && !isRetried) return row;
    const isMore = isRetried || differing !== 'words';
    const scales = differing === 'Scaling' && (isSeen || before.change === 'Scaling');
    const changed = await resources.change(
      kinds.deployment,
      row.name,
      {
        spec: {
          ...spec,
          generation: before.generation + (isMore ? 1 : 0),
          change: !isMore ? before.change : scales ? 'Scaling' : 'Updating',
        } satisfies KeptDeployment,
      },
      { revision: row.revision },
    );
    if (changed) await admit(changed, false);
    return changed;
  };

  return {
    async put(given, { revision } = {}) {
      checkOnlineName(given.name, 'endpoint');
      const endpoint = { ...given, ...withoutShares(given, null) };
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
      const row = await endpointRow(name);
      await kept(row);
      return answered(row);
    },

    applied: (name, signal) =>
      until(async () => {
        const row = await resources.find(kinds.endpoint, checkOnlineName(name, 'endpoint'));
        if (!row) return (await isRemoved(name)) ? { found: null } : null;
        const record = await answered(row);
        if (isSettled(record.provisioning_state)) return { found: record };
        await kept(row);
        return null;
      }, signal),

    isRemoved,

    async list() {
      const { rows } = await resources.list(kinds.endpoint);
      await kept(...rows);
      return Promise.all(rows.map(answered));
    },

    async delete(name) {
      checkOnlineName(name, 'endpoint');
      const row = await resources.find(kinds.endpoint, name);
      const wasThere = await resources.delete(kinds.endpoint, name);
      // Nobody can add another one now: who tries finds no endpoint, and takes it back.
      const deployments = await deploymentsOf(name);
      for (const deployment of deployments) await markDeleting(deployment.name);
      await kept(...(row ? [row] : []), ...deployments);
      return wasThere;
    },

    async credentials(name) {
      const row = await endpointRow(name);
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
      const row = await endpointRow(name);
      const key = value === undefined ? newKey() : checkKey(value);
      requireOurs(row, 'change its keys');
      if (keptEndpoint(row).auth_mode === 'aad_token') {
        const message = `${name} takes tokens of this workspace (auth_mode aad_token) and has no keys; fovea token rotate gives a token another secret`;
        throw new Refusal('invalid', 'NoCredentials', message);
      }
      const changed = await changeEndpoint(name, (now) => {
        const keys: KeptEndpoint['keys'] = { ...now.keys, [which satisfies KeyName]: sealKey(place, name, which, key) };
        return { ...now, keys };
      });
      if (!changed) await endpointRow(name);
      await kept(row);
    },

    async deploy(deployment, where, { create = false, revision } = {}) {
      checkOnlineName(deployment.name, 'deployment');
      const { endpoint_name: endpointName, name } = deployment;
      const requireWritable = async () => {
        const endpoint = requireOurs(await endpointRow(endpointName), 'deploy');
        const row = await deploymentRow(endpointName, name);
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
        return { endpoint, row };
      };
      requireCount(deployment);
      // Before files are read and registered.
      const { row: before } = await requireWritable();
      const model =
        before && keptDeployment(before).model === exactReference(deployment.model)
          ? keptDeployment(before).model
          : await servableModel({ place, store, registry }, deployment, where);
      const spec = { ...deployment, model, workspace: place.id, deleting: false, change: 'Updating' } as const;
      for (;;) {
        const { endpoint, row } = await requireWritable();
        const written = row ? await changeDeployment(row, spec) : await addDeployment(endpoint, spec);
        if (!written) continue;
        await kept(written);
        return recorded(written);
      }
    },

    async findDeployment(endpoint, name) {
      const row = await deploymentRow(endpoint, name);
      if (!row) {
        await endpointRow(endpoint);
        throw deploymentNotFound(endpoint, name);
      }
      await kept(row);
      return recorded(row);
    },

    async listDeployments(endpoint) {
      const found = await endpointRow(endpoint);
      const rows = await deploymentsOf(endpoint);
      await kept(found);
      return Promise.all(rows.map(recorded));
    },

    async deleteDeployment(endpoint, name) {
      const row = await deploymentRow(endpoint, name);
      await changeEndpoint(endpoint, (now) => {
        requireNoTraffic(now, name);
        const isNamed = now.deployments.includes(name) || Object.hasOwn(now.traffic, name);
        if (!isNamed) return null;
        return { ...now, ...withoutShares(now, name), deployments: now.deployments.filter((one) => one !== name) };
      });
      if (!row) return false;
      const marked = await markDeleting(row.name);
      await kept(row);
      return marked !== null;
    },

    settled: (endpoint, name, signal) =>
      until(async () => {
        const row = await deploymentRow(endpoint, name);
        if (!row) return { found: null };
        const record = await recorded(row);
        if (isSettled(record.provisioning_state)) return { found: record };
        await kept(row);
        return null;
      }, signal),

    async logs(endpoint, name, { lines = usualLogLines, container = 'inference-server' } = {}) {
      const row = await deploymentRow(endpoint, name);
      if (!row) throw deploymentNotFound(endpoint, name);
      requireOurs(row, 'read its logs');
      return deploymentLogs(place, { endpoint, deployment: name }, { lines, container });
    },
  };
}

/** Asks again and again until there is an answer. */
async function until<T>(ask: () => Promise<{ found: T } | null>, signal: AbortSignal | undefined): Promise<T> {
  for (;;) {
    signal?.throwIfAborted();
    const answer = await ask();
    if (answer) return answer.found;
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

function requireRoom({ name, deployments }: KeptEndpoint): void {
  if (deployments.length < mostDeployments) return;
  const message = `${name} has ${mostDeployments} deployments, the most that an endpoint can have; remove one first`;
  throw new Refusal('conflict', 'TooManyDeployments', message);
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
