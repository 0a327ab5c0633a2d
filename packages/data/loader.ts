import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Pixels } from './decode.ts';
import type { ImageCache } from './image-cache.ts';
import { IssuesError } from './issue.ts';
import { bytesOf, loadAugment, needsModule, type Sample, sizeOfSample } from './sample.ts';
import {
  type CloseMessage,
  Counter,
  type Failure,
  type QueueMessage,
  type QueueReport,
  SampleQueue,
} from './sample-queue.ts';

export interface BatchLoaderOptions {
  /** Threads that decode. 0: the calling thread does it between two turns of its event loop. Default: one per core but one. */
  workers?: number;
  /** Batches decoded ahead of the one in use. Default 2. */
  prefetch?: number;
  /** An `AugmentModule`, run in the workers: its default export on images that have `Decode.augment`, `compose` for compositions. */
  augmentModule?: URL;
  /** Where decoded images are kept from one epoch to the next. Default: nowhere. Several loaders can have one. */
  cache?: ImageCache;
}

/** Images of one batch, in the order asked for. */
export interface ImageBatch {
  /** Number of the batch in the run, from 0. */
  readonly index: number;
  /**
   * uint8 RGB in shared memory, one image after the other: [N, height, width, 3] unless sizes are mixed. Valid until `release` or
   * until the next batch is asked for.
   */
  readonly pixels: Uint8Array;
  /** Each image by itself, in the same memory. */
  readonly images: readonly Pixels[];
  /** Number of images. */
  readonly size: number;
  /** Of all images; where sizes are mixed, of the widest. */
  readonly width: number;
  /** Of all images; where sizes are mixed, of the highest. */
  readonly height: number;
  /** Gives the memory back before the next batch is asked for, so that decoding goes on meanwhile. */
  release(): void;
}

/**
 * Decodes batches of images in worker threads, ahead of their use.
 *
 * Made for a main thread that is blocked most of the time, inside of a training step. All that workers need for the batches
 * ahead is posted to them as soon as there is memory for the result; from then on they need nothing of the main thread. They
 * count what is left of a batch in shared memory, where the main thread looks first: a batch that became ready during a step
 * is there at once, without a turn of the event loop. Messages only wake a main thread that has to wait.
 *
 * The pixels depend on nothing but the `Sample`s, whatever the number of workers. Workers don't keep the process alive, except
 * while a batch is waited for.
 *
 * @example
 * const loader = new BatchLoader({ workers: 2 });
 * for await (const { pixels, size } of loader.run(batches)) step(pixels, size);
 * await loader.close();
 */
export class BatchLoader implements AsyncDisposable {
  readonly #prefetch: number;
  readonly #augments: boolean;
  readonly #workers: Worker[];
  readonly #local: SampleQueue | undefined;
  readonly #runs = new Map<number, BatchRun>();
  #started = 0;
  #waiting = 0;
  #waitedMilliseconds = 0;
  /** Why there can be no more batches. */
  #end: Error | undefined;

  constructor({ workers = defaultWorkers(), prefetch = 2, augmentModule, cache }: BatchLoaderOptions = {}) {
    if (!Number.isInteger(workers) || workers < 0) throw new RangeError(`workers must be 0 or more, not ${workers}`);
    if (!Number.isInteger(prefetch) || prefetch < 0)
      throw new RangeError(`prefetch must be 0 or more, not ${prefetch}`);
    this.#prefetch = prefetch;
    this.#augments = augmentModule !== undefined;
    this.#workers = Array.from({ length: workers }, () => this.#startWorker(augmentModule?.href, cache));
    if (workers === 0) {
      const augment = loadAugment(augmentModule?.href);
      augment.catch(() => {});
      const report = (message: QueueReport) => this.#runs.get(message.run)?.report(message);
      this.#local = new SampleQueue({ augment, cache, lanes: 1, breathe: () => setImmediate(), report });
    }
  }

  #startWorker(augmentModule: string | undefined, cache: ImageCache | undefined): Worker {
    const workerData = { augmentModule, cache: cache?.shared };
    const worker = new Worker(new URL('./loader-worker.ts', import.meta.url), { workerData });
    worker.on('message', (message: QueueReport) => this.#runs.get(message.run)?.report(message));
    worker.on('error', (cause) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      this.#finish(new Error(`a worker of the image loader has failed: ${reason}`, { cause }));
    });
    worker.on('exit', (code) =>
      this.#finish(new Error(`a worker of the image loader has ended with exit code ${code}`)),
    );
    worker.unref();
    return worker;
  }

  /**
   * Decodes `batches` in order. The iterable is read no further ahead than memory for `prefetch` batches allows.
   *
   * @param options.mixedSizes lets images of one batch come out at different sizes. Default false: that is an error
   * @throws IssuesError when images of a batch cannot be decoded, with all of them, in place of that batch
   * @throws the signal's reason when it is aborted
   */
  async *run(
    batches: Iterable<readonly Sample[]>,
    { signal, mixedSizes = false }: { signal?: AbortSignal; mixedSizes?: boolean } = {},
  ): AsyncGenerator<ImageBatch, void, void> {
    const id = this.#started++;
    const post = (message: QueueMessage) => {
      this.#local?.accept(message);
      for (const worker of this.#workers) worker.postMessage(message);
    };
    const run = new BatchRun(batches[Symbol.iterator](), {
      id,
      slots: this.#prefetch + 1,
      augments: this.#augments,
      mixedSizes,
      post,
    });
    this.#runs.set(id, run);
    const onAbort = () => run.wake();
    signal?.addEventListener('abort', onAbort);
    try {
      for (let batch = run.next(); batch; batch = run.next()) {
        while (!run.isReady(batch)) {
          signal?.throwIfAborted();
          if (this.#end) throw this.#end;
          await this.#wait(run);
        }
        signal?.throwIfAborted();
        yield run.take(batch);
        run.release(batch);
      }
    } finally {
      signal?.removeEventListener('abort', onAbort);
      run.end();
      this.#runs.delete(id);
    }
  }

  /**
   * How long runs have waited for batches in all, in milliseconds. With `workers: 0` it is the time that decoding has taken, because
   * nothing is decoded but while a batch is waited for.
   */
  get waitedMilliseconds(): number {
    return this.#waitedMilliseconds;
  }

  /** Waits for news, and keeps the process alive meanwhile. */
  async #wait(run: BatchRun): Promise<void> {
    const begun = performance.now();
    if (this.#waiting++ === 0) for (const worker of this.#workers) worker.ref();
    await run.news();
    if (--this.#waiting === 0) for (const worker of this.#workers) worker.unref();
    this.#waitedMilliseconds += performance.now() - begun;
  }

  #finish(reason: Error): void {
    this.#end ??= reason;
    for (const run of this.#runs.values()) run.wake();
  }

  /**
   * Ends the workers; a batch that is waited for is an error then. Each worker ends by itself after the image it is at: a thread that
   * is stopped in the middle of native code may take the process with it. Only one that does not is stopped.
   */
  async close(): Promise<void> {
    this.#finish(new Error('the image loader was closed'));
    for (const run of this.#runs.values()) run.end();
    await Promise.all(
      this.#workers.map(async (worker) => {
        if (worker.threadId === -1) return;
        worker.ref();
        worker.postMessage({ type: 'close' } satisfies CloseMessage);
        const deadline = setTimeout(() => worker.terminate(), PATIENCE);
        await new Promise((resolve) => worker.once('exit', resolve));
        clearTimeout(deadline);
      }),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Milliseconds that a worker has for its last image. */
const PATIENCE = 10_000;

function defaultWorkers(): number {
  return Math.max(1, availableParallelism() - 1);
}

interface PostedBatch {
  readonly index: number;
  readonly samples: readonly Sample[];
  readonly offsets: readonly number[];
  readonly slot: number;
  released: boolean;
}

interface RunOptions {
  readonly id: number;
  readonly slots: number;
  readonly augments: boolean;
  readonly mixedSizes: boolean;
  readonly post: (message: QueueMessage) => void;
}

/** One pass over batches: which are posted, where their pixels go, which have failed. */
class BatchRun {
  readonly #batches: Iterator<readonly Sample[]>;
  readonly #options: RunOptions;
  readonly #counters: Int32Array<SharedArrayBuffer>;
  /** Memory of each slot; a batch of other sizes gets a larger one when it has to. */
  readonly #memory: SharedArrayBuffer[];
  readonly #free: number[];
  readonly #posted: PostedBatch[] = [];
  readonly #failures = new Map<number, Map<number, Failure>>();
  #samples = 0;
  #index = 0;
  #exhausted = false;
  #news = Promise.withResolvers<void>();

  constructor(batches: Iterator<readonly Sample[]>, options: RunOptions) {
    const { slots } = options;
    this.#batches = batches;
    this.#options = options;
    this.#counters = new Int32Array(new SharedArrayBuffer(Counter.count(slots) * 4));
    this.#memory = Array.from({ length: slots }, () => new SharedArrayBuffer(0));
    this.#free = this.#memory.map((_, slot) => slot);
  }

  /** The next batch of the run, ready or not; undefined after the last. */
  next(): PostedBatch | undefined {
    this.#fill();
    return this.#posted.shift();
  }

  isReady({ slot, index }: PostedBatch): boolean {
    if (Atomics.load(this.#counters, Counter.left(slot)) > 0) return false;
    // What went wrong comes by message, after the count.
    return (this.#failures.get(index)?.size ?? 0) === Atomics.load(this.#counters, Counter.failed(slot));
  }

  take(batch: PostedBatch): ImageBatch {
    const failures = this.#failures.get(batch.index);
    if (failures) throw joined(failures);
    const { index, samples, offsets, slot } = batch;
    const memory = this.#memory[slot];
    const images = samples.map((sample, i) => ({
      pixels: new Uint8Array(memory, offsets[i], bytesOf(sample)),
      ...sizeOfSample(sample),
    }));
    return {
      ...{ index, images, size: samples.length },
      pixels: new Uint8Array(
        memory,
        0,
        images.reduce((sum, { pixels }) => sum + pixels.length, 0),
      ),
      width: Math.max(...images.map(({ width }) => width)),
      height: Math.max(...images.map(({ height }) => height)),
      release: () => this.release(batch),
    };
  }

  release(batch: PostedBatch): void {
    // The second time, the slot may be another batch's already.
    if (batch.released) return;
    batch.released = true;
    this.#free.push(batch.slot);
    this.#fill();
  }

  /** Posts batches while there is memory for them. */
  #fill(): void {
    while (this.#free.length > 0 && !this.#exhausted) {
      const { value: samples, done } = this.#batches.next();
      if (done) {
        this.#exhausted = true;
        return;
      }
      this.#requireFitting(samples);
      const slot = this.#free.shift() ?? 0;
      let bytes = 0;
      const offsets = samples.map((sample) => {
        const offset = bytes;
        bytes += bytesOf(sample);
        return offset;
      });
      if (this.#memory[slot].byteLength < bytes) this.#memory[slot] = new SharedArrayBuffer(bytes);
      Atomics.store(this.#counters, Counter.left(slot), samples.length);
      Atomics.store(this.#counters, Counter.failed(slot), 0);
      const common = { index: this.#index++, samples, offsets, slot };
      this.#posted.push({ ...common, released: false });
      const shared = { pixels: this.#memory[slot], counters: this.#counters.buffer, slots: this.#memory.length };
      this.#options.post({ type: 'batch', run: this.#options.id, first: this.#samples, ...common, ...shared });
      this.#samples += samples.length;
    }
  }

  #requireFitting(samples: readonly Sample[]): void {
    const [first, ...others] = samples.map(sizeOfSample);
    if (!first) throw new RangeError('a batch needs at least one image');
    const other = others.find(({ width, height }) => width !== first.width || height !== first.height);
    if (other && !this.#options.mixedSizes)
      throw new RangeError(
        `images of one batch differ: ${first.width} × ${first.height}, ${other.width} × ${other.height}`,
      );
    if (!this.#options.augments && samples.some(needsModule)) {
      throw new TypeError('images with augment arguments, and compositions, need a loader with an augmentModule');
    }
  }

  report(message: QueueReport): void {
    if (message.type === 'failed') {
      const failures = this.#failures.get(message.index) ?? new Map();
      this.#failures.set(message.index, failures.set(message.sample, message.failure));
    }
    this.wake();
  }

  news(): Promise<void> {
    return this.#news.promise;
  }

  wake(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  end(): void {
    Atomics.store(this.#counters, Counter.cancelled, 1);
    this.#options.post({ type: 'end', run: this.#options.id });
    this.#batches.return?.();
  }
}

/** One error for all that went wrong in a batch, in the order of its images. */
function joined(failures: ReadonlyMap<number, Failure>): Error {
  const ordered = [...failures].sort(([a], [b]) => a - b).map(([, failure]) => failure);
  for (const failure of ordered) {
    if ('error' in failure) return failure.error instanceof Error ? failure.error : new Error(String(failure.error));
  }
  return new IssuesError(ordered.flatMap((failure) => ('issues' in failure ? failure.issues : [])));
}
