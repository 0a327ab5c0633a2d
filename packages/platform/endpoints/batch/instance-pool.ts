import { Agent } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { askInstance, type Outcome } from './ask-instance.ts';
import { InstanceProcess, type InstanceStart, ModelNotStarted } from './instance-process.ts';

export interface PoolOptions {
  readonly instances: number;
  /** Requests at the same time in each. */
  readonly concurrency: number;
  /** That a request may take. */
  readonly seconds: number;
  /** @param number of the instance, from 0 */
  start(number: number): InstanceStart;
  readonly say: (level: 'info' | 'warning' | 'debug', message: string) => void;
}

interface Slot {
  readonly number: number;
  /** null while there is none, or it is being started. */
  process: InstanceProcess | null;
  requests: number;
  /** A request has it for itself. */
  isTaken: boolean;
}

interface Waiting {
  readonly alone: boolean;
  readonly resolve: (slot: Slot) => void;
  readonly reject: (error: unknown) => void;
}

/** Processes that may die one after the other before they are ready. */
const mostStarts = 3;
const pauseMilliseconds = 500;

/**
 * Processes that score, each started again when it dies. A request that may be what kills them is asked alone, so that none is blamed for
 * the death of another.
 */
export class InstancePool {
  readonly #options: PoolOptions;
  readonly #slots: Slot[];
  readonly #waiting: Waiting[] = [];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  readonly #ending = new AbortController();
  readonly #filled: Promise<unknown>;
  #broken: Error | null = null;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.instances }, (_, number) => ({
      ...{ number, process: null, requests: 0, isTaken: false },
    }));
    this.#filled = Promise.all(this.#slots.map((slot) => this.#fill(slot)));
  }

  /**
   * Asks whichever instance is free.
   * @param alone the instance has no other request meanwhile
   * @throws Error when no instance can be started, or the pool is closed
   */
  async ask(elements: readonly string[], alone: boolean): Promise<Outcome> {
    const slot = await this.#take(alone);
    const process = slot.process as InstanceProcess;
    try {
      const outcome = await askInstance(this.#agent, process.socket, elements, this.#options.seconds);
      if (outcome.kind !== 'failed') return outcome;
      // What took too long may be in the network for ever.
      if (outcome.isTimeout) {
        await process.kill();
        return outcome;
      }
      const end = await Promise.race([process.ended, wait(pauseMilliseconds, null)]);
      return end === null ? outcome : { ...outcome, message: `the process that scored it ${end}` };
    } finally {
      slot.requests--;
      if (alone) slot.isTaken = false;
      this.#serve();
    }
  }

  /** Ends all instances, whatever they are at; who waits for an answer is told the reason. */
  async close(reason = new Error('the instances are ended')): Promise<void> {
    this.#break(reason);
    await Promise.all(this.#slots.map(({ process, requests }) => (requests === 0 ? process?.end() : process?.kill())));
    await this.#filled;
    this.#agent.destroy();
  }

  #take(alone: boolean): Promise<Slot> {
    if (this.#broken) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ alone, resolve, reject });
      this.#serve();
    });
  }

  /** First come, first served: who waits for an instance of its own would wait for ever otherwise. */
  #serve(): void {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      const room = next.alone ? 1 : this.#options.concurrency;
      const free = this.#slots
        .filter(({ process, isTaken, requests }) => process !== null && !isTaken && requests < room)
        .sort((a, b) => a.requests - b.requests)
        .at(0);
      if (free === undefined) return;
      this.#waiting.shift();
      free.requests++;
      free.isTaken = next.alone;
      next.resolve(free);
    }
  }

  async #fill(slot: Slot): Promise<void> {
    const { start, say } = this.#options;
    for (let tries = 1; this.#broken === null; ) {
      try {
        const process = await InstanceProcess.start(start(slot.number), this.#ending.signal);
        if (this.#broken) return await process.kill();
        say('info', `instance ${slot.number}: process ${process.pid} is ready`);
        tries = 1;
        slot.process = process;
        const ready = performance.now();
        this.#serve();
        const end = await process.ended;
        slot.process = null;
        if (this.#broken === null)
          say('warning', `instance ${slot.number}: process ${process.pid} ${end}; another is started`);
        if (performance.now() - ready < pauseMilliseconds) await wait(pauseMilliseconds);
      } catch (error) {
        if (this.#broken) return;
        const message = (error as Error).message;
        if (error instanceof ModelNotStarted) return this.#break(new Error(`the model cannot be started: ${message}`));
        if (++tries > mostStarts) return this.#break(new Error(message));
        say('warning', message);
        await wait(pauseMilliseconds);
      }
    }
  }

  #break(error: Error): void {
    this.#broken ??= error;
    this.#ending.abort();
    for (const { reject } of this.#waiting.splice(0)) reject(this.#broken);
  }
}
