import { Worker } from 'node:worker_threads';
import type { Preparation } from '../prepare.ts';
import type { PreparedImage } from './prepared-image.ts';
import type { ReadJob, ReadResult } from './reader-thread.ts';
import { badRequest, RequestError } from './request-error.ts';

/** From here on an image is read by the first thread alone, one at a time: many such at once would take all memory and all threads. */
const LARGE = 24e6;

export interface ReadOptions {
  /** The reader has them from now on; nobody else can read them then. */
  readonly bytes: Uint8Array;
  readonly preparation: Preparation | null;
  /** Place in the request, for errors. */
  readonly target: string;
  readonly signal: AbortSignal;
}

interface Job extends Omit<ReadOptions, 'bytes'> {
  bytes: Uint8Array;
  readonly settle: (result: Outcome) => void;
}

type Outcome = ReadResult | { readonly kind: 'ended' | 'lost' | 'dropped' };

interface Thread {
  readonly worker: Worker;
  /** What it has to do, in that order. */
  readonly jobs: Job[];
  /** It reads a large image. */
  isLarge: boolean;
}

/** One that it works on, and one that lies ready: on a busy machine the way to this thread and back takes longer than a small image. */
const MOST_JOBS = 2;

/** Threads that decode images and make the network's input of them, so that nothing else waits for a big picture. */
export class ImageReaders {
  readonly #threads: (Thread | null)[];
  readonly #queue = new Set<Job>();
  readonly #large = new Set<Job>();
  readonly #onRead: (seconds: number) => void;
  #closed = false;
  #jobs = 0;

  readonly #mostPixels: number;

  /**
   * @param options.mostPixels of an image; larger ones are refused
   * @param options.onRead told how long the reading of an image took
   */
  constructor(threads: number, { mostPixels, onRead }: { mostPixels: number; onRead(seconds: number): void }) {
    this.#mostPixels = mostPixels;
    this.#onRead = onRead;
    this.#threads = Array.from({ length: threads }, () => this.#start());
  }

  /** How many threads there are. */
  get size(): number {
    return this.#threads.length;
  }

  /** Images that wait for a thread. */
  get waiting(): number {
    return this.#queue.size + this.#large.size;
  }

  /**
   * @throws RequestError (400) saying why the image cannot be read
   * @throws the reason of the signal; an image that a thread works on already is read to its end for nobody
   */
  async read(options: ReadOptions): Promise<PreparedImage> {
    const { signal, target } = options;
    signal.throwIfAborted();
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const job: Job = { ...options, settle: resolve };
    const drop = () => {
      this.#queue.delete(job);
      this.#large.delete(job);
      resolve({ kind: 'dropped' });
    };
    signal.addEventListener('abort', drop);
    this.#queue.add(job);
    this.#assign();
    const result = await promise;
    signal.removeEventListener('abort', drop);
    switch (result.kind) {
      case 'read':
        this.#onRead(result.seconds);
        return result.prepared;
      case 'unreadable':
        throw badRequest(result.problem, target);
      case 'failed':
        throw result.error;
      case 'ended':
        throw badRequest('the image is more than a thread can read', target);
      case 'lost': {
        const message = 'the thread that was to read the image ended; try again';
        throw new RequestError(503, 'ServiceUnavailable', message, { target, retryAfter: 1 });
      }
      default:
        throw signal.reason;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#threads.map((thread) => thread?.worker.terminate()));
  }

  #assign(): void {
    for (let busy = 0; busy < MOST_JOBS; busy++) {
      for (const i of this.#threads.keys()) this.#give(i, busy);
    }
  }

  /** Gives a thread an image to read, if it has no more than `busy` already. */
  #give(i: number, busy: number): void {
    const { jobs, isLarge } = this.#threads[i] ?? { jobs: [], isLarge: false };
    if (jobs.length > busy || isLarge) return;
    // The first thread prefers large images, which nobody else takes; what lay ready behind one would wait for long.
    const takesLarge = i === 0 && this.#large.size > 0;
    if (takesLarge && jobs.length > 0) return;
    const from = takesLarge ? this.#large : this.#queue;
    const [job] = from;
    if (!job) return;
    from.delete(job);
    // One that ended is started again when there is something to do, so that one that cannot start does not try for ever.
    this.#threads[i] ??= this.#start();
    const thread = this.#threads[i];
    thread.jobs.push(job);
    thread.isLarge = takesLarge;
    const { bytes, preparation, target } = job;
    const own = alone(bytes);
    const message: ReadJob = {
      ...{ id: ++this.#jobs, bytes: own, name: target, preparation },
      mostPixels: this.#mostPixels,
      mostPixelsHere: takesLarge ? Number.POSITIVE_INFINITY : LARGE,
    };
    thread.worker.postMessage(message, [own.buffer as ArrayBuffer]);
  }

  #start(): Thread {
    const worker = new Worker(new URL('./reader-thread.ts', import.meta.url));
    const thread: Thread = { worker, jobs: [], isLarge: false };
    worker.on('message', (result: ReadResult) => {
      const job = thread.jobs.shift();
      thread.isLarge = false;
      if (result.kind === 'large' && job && !job.signal.aborted) {
        job.bytes = result.bytes;
        this.#large.add(job);
      } else job?.settle(result);
      this.#assign();
    });
    // What ends a thread is an image that takes all of its memory. The others must not suffer from it.
    worker.on('error', () => {});
    worker.on('exit', () => {
      this.#threads[this.#threads.indexOf(thread)] = null;
      const [job, ...others] = thread.jobs;
      job?.settle({ kind: 'ended' });
      for (const { settle } of others) settle({ kind: 'lost' });
      if (!this.#closed) this.#assign();
    });
    return thread;
  }
}

/** Bytes with a buffer of their own: a message takes whole buffers along, and small ones share one. */
function alone(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : Uint8Array.from(bytes);
}
