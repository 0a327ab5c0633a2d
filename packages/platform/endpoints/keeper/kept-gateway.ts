import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { patiently } from '../../patience.ts';
import type { Place } from '../../place.ts';
import { Refusal } from '../../refusal.ts';
import { allows, createTokens } from '../../server/tokens.ts';
import { isGone, type Store } from '../../store/index.ts';
import type { Gateway, GatewayCertificate } from '../gateway/gateway.ts';
import type { ServedEndpoints } from '../gateway/served.ts';
import { startGateway } from '../gateway/start-gateway.ts';
import { verifyEndpointToken } from '../online/credentials.ts';
import { type GatewayRow, onlineKinds } from '../online/online-rows.ts';
import { collectedDataFolderOf } from './paths.ts';
import { openRequestLog } from './request-log.ts';

/** Where endpoints are to be asked. */
export interface GatewayAddress {
  readonly host: string;
  /** Null: that of the last time if it is free, or the usual one, or any. */
  readonly port: number | null;
  /** Null: HTTP, for this machine alone. */
  readonly certificate: GatewayCertificate | null;
}

/** The gateway of a keeper. */
export interface KeptGateway {
  readonly url: string;
  renew(certificate: GatewayCertificate): void;
  /** Says in the store where it answers, and by which endpoints. @param endpoints their revisions, by name */
  tell(endpoints: Readonly<Record<string, number>>): Promise<void>;
  rotateLog(): void;
  close(): Promise<void>;
}

export const usualPort = 7041;

/** A port that is taken is tried again after so many milliseconds. */
const retryMilliseconds = 500;
/** The port of a keeper that is just giving it back is waited for so long before another one is taken. */
const leavingMilliseconds = 10_000;

export const gatewayLogOf = ({ folder }: Pick<Place, 'folder'>): string => join(folder, 'endpoints', 'gateway.log');

/**
 * Listens.
 * @param owner `processToken` of this process
 * @throws Refusal as `startGateway` does; one whose port is fixed waits until it is free
 */
export async function keepGateway(
  { place, store, owner, served }: { place: Place; store: Store; owner: string; served: () => ServedEndpoints },
  { host, port, certificate }: GatewayAddress,
  warn: (text: string) => void,
  signal: AbortSignal,
): Promise<KeptGateway> {
  const { resources } = store;
  const requests = await openRequestLog(gatewayLogOf(place));
  const tokens = createTokens(store);
  const start = (at: number): Promise<Gateway> =>
    startGateway({
      ...{ served, host, port: at, certificate },
      async verifyToken(token) {
        const principal = await tokens.verify(token);
        return principal !== null && allows(principal.role, 'contributor');
      },
      verifyEndpointToken: (endpoint, token) => verifyEndpointToken(place, endpoint, token),
      collectorFolder: (endpoint, deployment) => collectedDataFolderOf(place, { endpoint, deployment }),
      log: requests.log,
    });
  const before = await patiently(place, () => resources.find(onlineKinds.gateway, place.id));
  const last = (before?.spec ?? null) as GatewayRow | null;
  const isLeaving = last !== null && last.owner !== owner && !isGone(last.owner);
  const gateway = await listen(start, host, candidates(port, last?.url), {
    ...{ warn, signal, patience: isLeaving ? leavingMilliseconds : 0 },
  });
  let told = '';
  return {
    url: gateway.url,
    renew: (renewed) => gateway.renew(renewed),
    async tell(endpoints) {
      const row: GatewayRow = { url: gateway.url, owner, endpoints };
      const text = JSON.stringify(row);
      if (text === told) return;
      const changed = await resources.change(onlineKinds.gateway, place.id, { spec: row });
      if (changed === null) await resources.add(onlineKinds.gateway, place.id, row);
      told = text;
    },
    rotateLog: () => requests.rotate(),
    async close() {
      await gateway.close();
      await requests.end();
    },
  };
}

/** Ports to try, one after the other; 0 is any that is free. */
function candidates(port: number | null, last: string | undefined): number[] {
  if (port !== null) return [port];
  const known = last !== undefined && URL.canParse(last) ? Number(new URL(last).port) : 0;
  return [...new Set([known || usualPort, usualPort, 0])];
}

/** @param patience milliseconds for which the first port alone is tried; one that is the only one is waited for */
async function listen(
  start: (port: number) => Promise<Gateway>,
  host: string,
  ports: readonly number[],
  { warn, signal, patience }: { warn: (text: string) => void; signal: AbortSignal; patience: number },
): Promise<Gateway> {
  const begun = performance.now();
  for (let said = false; ; said = true) {
    for (const port of performance.now() - begun < patience ? ports.slice(0, 1) : ports) {
      // A whole gateway is more than is made twice a second.
      if (!(await isFree(host, port))) continue;
      try {
        return await start(port);
      } catch (error) {
        if (!(error instanceof Refusal) || error.code !== 'PortTaken') throw error;
      }
    }
    const [port] = ports;
    if (!said && ports.length === 1) {
      warn(
        `port ${port} of ${host} is taken; endpoints answer there as soon as it is free, or at another with --scoring-port`,
      );
    }
    await wait(retryMilliseconds, undefined, { signal });
  }
}

/** What stands in the way besides another program is told by who really listens. */
function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
