import { Refusal } from '../../refusal.ts';
import type { ResourceRow, Store } from '../../store/index.ts';
import { changeBetween, type KeptDeployment } from './deployment-change.ts';
import { deploymentRowName } from './online-names.ts';
import { type KeptEndpoint, keptDeployment } from './online-records.ts';
import { type OnlineDeploymentStateRow, onlineKinds } from './online-rows.ts';
import type { RowAccess } from './row-access.ts';

/** As Azure has it. */
const mostDeployments = 20;

export type WantedDeployment = Omit<KeptDeployment, 'generation' | 'change'>;

/**
 * Writes what a deployment is to be.
 *
 * @param before its row as it was read; null: there was none
 * @returns null when that is not so any more
 * @throws Refusal when its endpoint is gone, or has as many as it can have
 */
export async function writeDeployment(
  store: Store,
  rows: RowAccess,
  before: ResourceRow | null,
  wanted: WantedDeployment,
): Promise<ResourceRow | null> {
  const written = before ? await changed(store, rows, before, wanted) : await added(store, rows, wanted);
  if (written) await admit(store, rows, written, before === null);
  return written;
}

async function added({ resources }: Store, rows: RowAccess, wanted: WantedDeployment): Promise<ResourceRow | null> {
  const name = deploymentRowName(wanted.endpoint_name, wanted.name);
  // What is left of one that had this name speaks of generations before this one.
  const left = (await rows.stateOf({ name }))?.spec as OnlineDeploymentStateRow | undefined;
  const spec: KeptDeployment = { ...wanted, generation: (left?.generation ?? 0) + 1, change: 'Updating' };
  return resources.add(onlineKinds.deployment, name, spec);
}

async function changed(
  { resources }: Store,
  rows: RowAccess,
  row: ResourceRow,
  wanted: WantedDeployment,
): Promise<ResourceRow | null> {
  const before = keptDeployment(row);
  const state = (await rows.stateOf(row))?.spec as OnlineDeploymentStateRow | undefined;
  const isSeen = state !== undefined && state.generation >= before.generation;
  const differing = changeBetween(before, wanted);
  // Asked for once more, what failed is tried once more.
  const isRetried = differing === 'nothing' && isSeen && state.provisioning_state === 'Failed';
  if (differing === 'nothing' && !isRetried) return row;
  // Words alone are nothing to the keeper.
  const isMore = isRetried || differing !== 'words';
  const scales = differing === 'Scaling' && (isSeen || before.change === 'Scaling');
  const spec: KeptDeployment = {
    ...wanted,
    generation: before.generation + (isMore ? 1 : 0),
    change: !isMore ? before.change : scales ? 'Scaling' : 'Updating',
  };
  return resources.change(onlineKinds.deployment, row.name, { spec }, { revision: row.revision });
}

/** Counts a deployment among those of its endpoint; a new one that cannot be is taken back. */
async function admit({ resources }: Store, rows: RowAccess, row: ResourceRow, isNew: boolean): Promise<void> {
  const { endpoint_name, name } = keptDeployment(row);
  try {
    const endpoint = await rows.changeEndpoint(endpoint_name, (now) => {
      if (now.deployments.includes(name)) return null;
      requireRoom(now);
      return { ...now, deployments: [...now.deployments, name] };
    });
    if (endpoint) return;
    throw new Refusal('not-found', 'EndpointNotFound', `the online endpoint ${endpoint_name} was removed just now`);
  } catch (error) {
    if (isNew) await resources.delete(onlineKinds.deployment, row.name);
    throw error;
  }
}

/** @throws Refusal when an endpoint has as many deployments as it can have */
export function requireRoom({ name, deployments }: KeptEndpoint): void {
  if (deployments.length < mostDeployments) return;
  const message = `${name} has ${mostDeployments} deployments, the most that an endpoint can have; remove one first`;
  throw new Refusal('conflict', 'TooManyDeployments', message);
}
