import { type Place, placeOf } from '../../place.ts';
import { createRegistry } from '../../registry/registry.ts';
import { openStore } from '../../store/index.ts';
import type { BatchEndpoints } from './batch-endpoints.ts';
import { createBatchEndpoints } from './create-batch-endpoints.ts';

/** Opens the batch endpoints of a workspace, with a connection of their own. @throws StoreUnavailable */
export async function openBatchEndpoints(address: {
  readonly folder: string;
  readonly database?: string;
}): Promise<BatchEndpoints & { readonly place: Place; close(): Promise<void> }> {
  const place = placeOf(address);
  const store = await openStore(place);
  return { ...createBatchEndpoints(place, store, createRegistry(place, store)), place, close: () => store.close() };
}
