// A gateway before one instance of a deployment, which listens at a socket: as the keeper of a workspace's endpoints has them.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Gateway, type ServedDeployment, type ServedEndpoint, startGateway } from '@fovea/platform/endpoints';
import type { InstanceOptions } from '@fovea/serving/instance';
import { pino } from 'pino';
import { answerRequests } from './answer-requests.ts';
import { startedInstance } from './instance-load.ts';

const work = mkdtempSync(join(tmpdir(), 'fovea-bench-'));
let close: (() => Promise<void>) | null = null;

await answerRequests({
  /** @returns where it answers */
  async open({ options }: { options: { model: string } & Partial<InstanceOptions> }) {
    await close?.();
    const socket = join(work, 'instance.sock');
    const { child } = await startedInstance({ ...options, socket });
    const key = randomBytes(32).toString('base64url');
    const endpoint = endpointOf(socket, key);
    const served = { endpoints: new Map([[endpoint.name, endpoint]]) };
    const destination = pino.destination({
      dest: join(work, 'gateway.log'),
      sync: false,
      minLength: 16_000,
      periodicFlush: 200,
    });
    const gateway: Gateway = await startGateway({
      ...{ served: () => served, host: '127.0.0.1', port: 0, certificate: null, log: pino(destination) },
      verifyToken: async () => false,
      verifyEndpointToken: () => false,
      collectorFolder: () => work,
    });
    close = async () => {
      await gateway.close();
      destination.end();
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    };
    const { port } = new URL(gateway.url);
    return {
      ...{ host: '127.0.0.1', port: Number(port), path: `/${endpoint.name}/score` },
      headers: { authorization: `Bearer ${key}` },
    };
  },
});
await (close as (() => Promise<void>) | null)?.();
rmSync(work, { recursive: true });

function endpointOf(socket: string, key: string): ServedEndpoint {
  const deployment: ServedDeployment = {
    ...{ name: 'blue', requestTimeoutMs: 60_000, maxRequestBytes: 32 * 2 ** 20, collector: null },
    take: (except) => (except?.has('0') ? null : { id: '0', socket, release() {} }),
    instances: () => [{ number: 0, isReady: true, socket }],
    restarts: () => 0,
  };
  return {
    ...{ name: 'bench', authMode: 'key', keys: [key], loopbackOnly: false, mirror: null },
    traffic: [{ deployment: 'blue', percent: 100 }],
    deployments: new Map([['blue', deployment]]),
  };
}
