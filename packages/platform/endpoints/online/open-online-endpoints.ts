import { type Place, placeOf } from '../../place.ts';
import { createRegistry } from '../../registry/registry.ts';
import { openStore } from '../../store/index.ts';
import { createOnlineEndpoints } from './create-online-endpoints.ts';
import type { OnlineEndpoints } from './online-endpoints.ts';

/** Opens the online endpoints of a workspace, with a connection of their own. @throws StoreUnavailable */
export async function openOnlineEndpoints(address: {
  readonly folder: string;
  readonly database?: string;
}): Promise<OnlineEndpoints & { readonly place: Place; close(): Promise<void> }> {
  const place = placeOf(address);
  const store = await openStore(place);
  return {
    ...createOnlineEndpoints(place, store, createRegistry(place, store)),
    place,
    close: () => store.close(),
  };
}
