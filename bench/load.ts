import { connect, type Socket } from 'node:net';

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

/**
 * Clients that write requests which were put together before, and read no more of an answer than where it ends: they run on the cores of
 * what they measure, so they should need little of them.
 *
 * @param bodies requests to score, asked in turn
 */
export function loadOn({ host, port, path, headers }: Scored, bodies: readonly string[]): Load {
  const questions = bodies.map((body) => {
    const all = { host: `${host}:${port}`, ...headers, 'content-type': 'application/json' };
    const fields = Object.entries({ ...all, 'content-length': Buffer.byteLength(body) });
    const head = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    return Buffer.from(`POST ${path} HTTP/1.1\r\n${head}\r\n${body}`);
  });
  const clients: Client[] = [];
  let asked = 0;
  const ask = (client: Client) => client.ask(questions[asked++ % questions.length]);
  const client = (i: number): Client => {
    clients[i] ??= new Client(connect({ host, port, noDelay: true }));
    return clients[i];
  };
  return {
    async throughput(count, seconds) {
      const start = performance.now();
      const end = start + 1000 * seconds;
      let done = 0;
      const work = async (one: Client) => {
        while (performance.now() < end) {
          await ask(one);
          done++;
        }
      };
      await Promise.all(Array.from({ length: count }, (_, i) => work(client(i))));
      return done / ((performance.now() - start) / 1000);
    },
    async latencies(count) {
      const times: number[] = [];
      for (let i = 0; i < count; i++) {
        const start = performance.now();
        await ask(client(0));
        times.push(performance.now() - start);
      }
      return times;
    },
    close() {
      for (const { socket } of clients) socket.destroy();
    },
  };
}

/** One connection, and one request on it at a time. */
class Client {
  readonly socket: Socket;
  #head = '';
  /** Of the body, to come; null while the head does. */
  #left: number | null = null;
  #done: () => void = () => {};
  #failed: (error: Error) => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (part: Buffer) => this.#read(part));
    socket.on('error', (error) => this.#failed(error));
    socket.on('close', () => this.#failed(new Error('the connection was closed')));
  }

  /** Sends a request, and waits for the end of its answer. @throws Error for another status than 200 */
  ask(question: Buffer): Promise<void> {
    this.#head = '';
    this.#left = null;
    return new Promise((resolve, reject) => {
      this.#done = resolve;
      this.#failed = reject;
      this.socket.write(question);
    });
  }

  #read(part: Buffer): void {
    let bytes = part.length;
    if (this.#left === null) {
      const before = this.#head.length;
      this.#head += part.toString('latin1');
      const end = this.#head.indexOf('\r\n\r\n');
      if (end < 0) return;
      const [, length] = /\r\ncontent-length: (\d+)\r\n/i.exec(this.#head) ?? [];
      if (!this.#head.startsWith('HTTP/1.1 200 ') || length === undefined) {
        this.#failed(new Error(`answered: ${this.#head.slice(0, 1000)}`));
        return;
      }
      this.#left = Number(length);
      bytes = before + part.length - (end + 4);
    }
    this.#left -= bytes;
    if (this.#left === 0) this.#done();
  }
}
