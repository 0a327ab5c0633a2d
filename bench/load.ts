import { once } from 'node:events';
import { Agent, request } from 'node:http';

/** Something that scores, and how it is asked. */
export interface Scored {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Clients of something that scores. */
export interface Load {
  /** Answers per second that so many clients get in so many seconds. */
  throughput(clients: number, seconds: number): Promise<number>;
  /** Milliseconds that each of so many requests takes, one after the other. */
  latencies(count: number): Promise<number[]>;
  /** Gives the connections back. */
  close(): void;
}

/** @param bodies requests to score, asked in turn */
export function loadOn({ host, port, path, headers }: Scored, bodies: readonly string[]): Load {
  const agent = new Agent({ keepAlive: true });
  let asked = 0;
  const ask = async (): Promise<void> => {
    const body = bodies[asked++ % bodies.length];
    const all = { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = request({ host, port, agent, method: 'POST', path, headers: all });
    sent.end(body);
    const [response] = await once(sent, 'response');
    response.resume();
    await once(response, 'end');
    if (response.statusCode !== 200) throw new Error(`${path} answered ${response.statusCode}`);
  };
  return {
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
    close: () => agent.destroy(),
  };
}
