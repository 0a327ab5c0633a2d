import type { Server as SecureServer } from 'node:https';
import { type AddressInfo, isIP, type Server } from 'node:net';
import { totalmem } from 'node:os';
import { HeldBytes, RequestError } from '@fovea/serving/instance';
import { Refusal } from '../../refusal.ts';
import type { DeploymentAsker } from './ask-deployment.ts';
import { instanceConnections } from './ask-instance.ts';
import { DataCollector } from './data-collector.ts';
import type { Gateway, GatewayLimits, GatewayParts } from './gateway.ts';
import { gatewayMetrics } from './gateway-metrics.ts';
import { gatewayRoutes } from './gateway-routes.ts';
import { gatewayServer, minVersion } from './gateway-server.ts';
import { Mirror } from './mirror.ts';

const GIB = 2 ** 30;
/** Connections that wait to be taken. */
const BACKLOG = 2048;

const DEFAULTS: GatewayLimits = {
  receiveTimeoutMs: 60_000,
  maxHeldBytes: Math.min(GIB, Math.floor(totalmem() / 8)),
  maxConnections: 8000,
  maxMirrored: 64,
  drainTimeoutMs: 30_000,
};

/**
 * Starts the HTTP front of a workspace's online endpoints: `POST <url>/<endpoint>/score`.
 * @throws Refusal `PortTaken`, or `CannotListen`; `Certificate` when certificate and key do not belong together
 */
export async function startGateway(parts: GatewayParts): Promise<Gateway> {
  const { served, log, random = Math.random, certificate } = parts;
  const limits = { ...DEFAULTS, ...parts.limits };
  const held = new HeldBytes(limits.maxHeldBytes, 'the gateway');
  const agent = instanceConnections();
  let active = 0;
  const metrics = gatewayMetrics({
    served,
    active: () => active,
    connections: () => new Promise((resolve) => server.getConnections((_, count) => resolve(count ?? 0))),
    heldBytes: () => held.held,
  });
  const asker: DeploymentAsker = { agent, log, retried: metrics.retried };
  const collector = new DataCollector({ folderOf: parts.collectorFolder, log, counted: metrics.collected });
  const mirror = new Mirror({ asker, random, most: limits.maxMirrored, counted: metrics.mirrored });
  const scoring = { asker, held, mirror, collector, random };
  const verifyToken = async (token: string) => {
    try {
      return await parts.verifyToken(token);
    } catch (error) {
      log.error({ err: error }, 'tokens cannot be checked');
      throw new RequestError(503, 'ServiceUnavailable', 'tokens cannot be checked now; try again', { retryAfter: 1 });
    }
  };
  const answer = gatewayRoutes({ ...parts, verifyToken, scoring, metrics, url: () => url });
  const server = secured(() =>
    gatewayServer({
      ...{ certificate, log, metrics },
      ...limits,
      async answer(exchange) {
        active++;
        try {
          return await answer(exchange);
        } finally {
          active--;
        }
      },
    }),
  );
  await listening(server, parts);
  const url = urlOf(parts, (server.address() as AddressInfo).port);
  let closing: Promise<void> | null = null;
  const close = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeIdleConnections();
    const timer = setTimeout(() => server.closeAllConnections(), limits.drainTimeoutMs);
    await closed;
    clearTimeout(timer);
    mirror.close();
    agent.destroy();
    await collector.close();
  };
  return {
    url,
    renew({ cert, key }) {
      (server as unknown as SecureServer).setSecureContext({ cert, key, minVersion });
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

function secured<Made>(make: () => Made): Made {
  try {
    return make();
  } catch (error) {
    const message = `the certificate cannot be used with this key: ${(error as Error).message}`;
    throw new Refusal('invalid', 'Certificate', message, { cause: error });
  }
}

function listening(server: Server, { host, port }: Pick<GatewayParts, 'host' | 'port'>): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === 'EADDRINUSE';
      const message = `port ${port} of ${host}: ${isTaken ? 'it is taken' : error.message}`;
      reject(new Refusal('invalid', isTaken ? 'PortTaken' : 'CannotListen', message, { cause: error }));
    };
    server.once('error', failed);
    server.listen({ port, host, backlog: BACKLOG }, () => {
      server.off('error', failed);
      resolve();
    });
  });
}

function urlOf({ host, certificate }: Pick<GatewayParts, 'host' | 'certificate'>, port: number): string {
  const isOwn = /^(127(\.\d{1,3}){3}|::1?|0\.0\.0\.0)$/.test(host);
  const name = isOwn ? 'localhost' : host;
  return `${certificate === null ? 'http' : 'https'}://${isIP(name) === 6 ? `[${name}]` : name}:${port}`;
}
