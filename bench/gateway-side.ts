// A gateway before the instances of a deployment, which listen at sockets and share the cores: as the keeper of a workspace's endpoints has them.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
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
  async open({ options, instances }: { options: { model: string } & Partial<InstanceOptions>; instances: number }) {
    await close?.();
    const sockets = Array.from({ length: instances }, (_, i) => join(work, `${i}.sock`));
    const threads = Math.max(1, Math.floor(availableParallelism() / instances));
    const started = sockets.map((socket) => startedInstance({ ...options, socket, threads }));
    const children = (await Promise.all(started)).map(({ child }) => child);
    const key = randomBytes(32).toString('base64url');
    const endpoint = endpointOf(sockets, key);
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
      const ended = children.map((child) => once(child, 'exit'));
      for (const child of children) child.kill('SIGTERM');
      await Promise.all(ended);
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

function endpointOf(sockets: readonly string[], key: string): ServedEndpoint {
  const requests = sockets.map(() => 0);
  const deployment: ServedDeployment = {
    ...{ name: 'blue', requestTimeoutMs: 60_000, maxRequestBytes: 32 * 2 ** 20, collector: null },
    take(except) {
      const left = requests.map((_, i) => i).filter((i) => !except?.has(String(i)));
      if (left.length === 0) return null;
      const least = left.reduce((a, b) => (requests[b] < requests[a] ? b : a));
      requests[least]++;
      return { id: String(least), socket: sockets[least], release: () => requests[least]-- };
    },
    instances: () => sockets.map((socket, number) => ({ number, isReady: true, socket })),
    restarts: () => 0,
  };
  return {
    ...{ name: 'bench', authMode: 'key', keys: [key], loopbackOnly: false, mirror: null },
    traffic: [{ deployment: 'blue', percent: 100 }],
    deployments: new Map([['blue', deployment]]),
  };
}
