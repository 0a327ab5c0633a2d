import { onlineKinds } from '../endpoints/online/online-rows.ts';
import { Refusal } from '../refusal.ts';
import type { AssetRow, Store } from '../store/index.ts';
import { referenceTo } from './asset-reference.ts';

/** Kinds of resources that name a model. */
const deployments = [onlineKinds.deployment, 'batch-deployment'];

/** @throws Refusal while a deployment serves this version: its processes could not be started again */
export async function requireUnused(store: Store, row: Pick<AssetRow, 'name' | 'version'>): Promise<void> {
  const reference = referenceTo(row);
  for (const kind of deployments) {
    const { rows } = await store.resources.list(kind, { archived: 'all' });
    const user = rows.find(({ spec }) => (spec as { model?: unknown }).model === reference);
    if (!user) continue;
    const message = `${reference} is what the deployment ${user.name} serves; give that another model or delete it first`;
    throw new Refusal('conflict', 'ModelInUse', message);
  }
}
