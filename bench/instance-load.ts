import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { type InstanceMessage, type InstanceOptions, instanceProgram } from '@fovea/serving/instance';

/** An instance in a process of its own, and clients for it. */
export interface LoadedInstance {
  /** Seconds from starting the process to its being ready. */
  readonly startSeconds: number;
  /** Answers per second that so many clients get in so many seconds. */
  throughput(clients: number, seconds: number): Promise<number>;
  /** Milliseconds that each of so many requests takes, one after the other. */
  latencies(count: number): Promise<number[]>;
  end(): Promise<void>;
}

/** @param bodies requests to score, asked in turn */
export async function loadedInstance(
  options: { model: string } & Partial<InstanceOptions>,
  bodies: readonly string[],
): Promise<LoadedInstance> {
  const begun = performance.now();
  const given: { model: string } & Partial<InstanceOptions> = {
    logLevel: 'warn',
    requestTimeoutMs: 60_000,
    ...options,
  };
  const child = spawn(process.execPath, [instanceProgram, JSON.stringify(given)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const message = await firstMessage(child);
  const startSeconds = (performance.now() - begun) / 1000;
  if (message.kind !== 'ready' || !('port' in message.address)) throw new Error(JSON.stringify(message));
  const { host, port } = message.address;
  const agent = new Agent({ keepAlive: true });
  let asked = 0;
  const ask = async (): Promise<void> => {
    const body = bodies[asked++ % bodies.length];
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = request({ host, port, agent, method: 'POST', path: '/score', headers });
    sent.end(body);
    const [response] = await once(sent, 'response');
    response.resume();
    await once(response, 'end');
    if (response.statusCode !== 200) throw new Error(`the instance answered ${response.statusCode}`);
  };
  return {
    startSeconds,
    async throughput(clients, seconds) {
      const start = performance.now();
      const end = start + 1000 * seconds;
      let done = 0;
      const client = async () => {
        while (performance.now() < end) {
          await ask();
          done++;
        }
      };
      await Promise.all(Array.from({ length: clients }, client));
      return done / ((performance.now() - start) / 1000);
    },
    async latencies(count) {
      const times: number[] = [];
      for (let i = 0; i < count; i++) {
        const start = performance.now();
        await ask();
        times.push(performance.now() - start);
      }
      return times;
    },
    async end() {
      agent.destroy();
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function firstMessage(child: ChildProcess): Promise<InstanceMessage> {
  const [message] = await once(child, 'message');
  return message;
}
