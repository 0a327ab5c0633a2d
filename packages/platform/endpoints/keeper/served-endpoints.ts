import type { Place } from '../../place.ts';
import type { ServedDeployment, ServedEndpoint } from '../gateway/served.ts';
import { openSealedKeys } from '../online/credentials.ts';
import type { OnlineEndpointRow } from '../online/online-rows.ts';

/**
 * An endpoint as the gateway sees it.
 * @param say is told why nobody is let in
 */
export function servedEndpoint(
  place: Pick<Place, 'folder'>,
  row: OnlineEndpointRow,
  deployments: ReadonlyMap<string, ServedDeployment>,
  say: (line: string) => void,
): ServedEndpoint {
  const shares = (percents: Readonly<Record<string, number>>) =>
    Object.entries(percents)
      .filter(([, percent]) => percent > 0)
      .map(([deployment, percent]) => ({ deployment, percent }));
  const [mirror = null] = shares(row.mirror_traffic);
  return {
    name: row.name,
    authMode: row.auth_mode,
    keys: keysOf(place, row, say),
    loopbackOnly: row.public_network_access === 'disabled',
    traffic: shares(row.traffic),
    mirror,
    deployments,
  };
}

function keysOf(place: Pick<Place, 'folder'>, row: OnlineEndpointRow, say: (line: string) => void): string[] {
  try {
    const { primary, secondary } = openSealedKeys(place, row);
    return [primary, secondary];
  } catch (error) {
    say(`${row.name}: ${(error as Error).message}`);
    return [];
  }
}
