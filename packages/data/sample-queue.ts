import { type Decode, decodeImage } from './decode.ts';
import type { ImageCache } from './image-cache.ts';
import { type Issue, IssuesError } from './issue.ts';

/** Changes the pixels of one decoded image in place; `args` is the image's `Decode.augment`. */
export type Augment = (pixels: Uint8Array, width: number, height: number, args: unknown) => void;

/** A batch to decode. All memory in it is shared between threads. */
export interface BatchMessage {
  readonly type: 'batch';
  readonly run: number;
  readonly index: number;
  /** Number of the batch's first sample, counted through the run. */
  readonly first: number;
  readonly decodes: readonly Decode[];
  /** [N, height, width, 3] */
  readonly pixels: SharedArrayBuffer;
  readonly width: number;
  readonly height: number;
  /** See `Counter`. */
  readonly counters: SharedArrayBuffer;
  readonly slot: number;
  readonly slots: number;
}

/** No more batches come: all are decoded, or nobody wants them. */
export interface EndMessage {
  readonly type: 'end';
  readonly run: number;
}

export type QueueMessage = BatchMessage | EndMessage;

/** To a thread: no more messages come. */
export interface CloseMessage {
  readonly type: 'close';
}

export type QueueReport =
  /** The last sample of a batch is done, well or not. */
  | { readonly type: 'ready'; readonly run: number }
  | {
      readonly type: 'failed';
      readonly run: number;
      readonly index: number;
      readonly sample: number;
      readonly failure: Failure;
    };

/** An error as it crosses threads, where `IssuesError` would lose its issues. */
export type Failure = { readonly issues: readonly Issue[] } | { readonly error: unknown };

/** Places in the counters of a run; each slot has two of its own after the common ones. */
export const Counter = {
  /** Number of the next sample that nobody has taken. */
  next: 0,
  /** 1 when the run was given up. */
  cancelled: 1,
  /** Samples of the slot's batch that are not done yet. */
  left: (slot: number) => 2 + slot * 2,
  /** Samples of the slot's batch that have failed. */
  failed: (slot: number) => 3 + slot * 2,
  count: (slots: number) => 2 + slots * 2,
} as const;

export interface SampleQueueOptions {
  readonly augment: Promise<Augment | undefined>;
  readonly cache: ImageCache | undefined;
  /** Samples under way at once. */
  readonly lanes: number;
  /** Awaited before each sample. */
  readonly breathe?: () => Promise<void>;
  readonly report: (report: QueueReport) => void;
}

/**
 * Decodes the samples of batches, together with the queues of other threads: each takes the next number from a counter that all
 * share, so that a slow image delays nobody. A number whose batch has not come yet is kept until it comes.
 */
export class SampleQueue {
  readonly #options: SampleQueueOptions;
  readonly #runs = new Map<number, Run>();

  constructor(options: SampleQueueOptions) {
    this.#options = options;
  }

  accept(message: QueueMessage): void {
    const known = this.#runs.get(message.run);
    if (message.type === 'end') {
      known?.end();
      this.#runs.delete(message.run);
    } else if (known) {
      known.add(message);
    } else {
      const run = new Run(message);
      this.#runs.set(message.run, run);
      for (let lane = 0; lane < this.#options.lanes; lane++) void this.#work(run);
    }
  }

  async #work(run: Run): Promise<void> {
    for (;;) {
      const number = Atomics.add(run.counters, Counter.next, 1);
      const batch = await run.batchOf(number);
      await this.#options.breathe?.();
      if (!batch || Atomics.load(run.counters, Counter.cancelled) === 1) return;
      const sample = number - batch.first;
      try {
        await this.#decode(batch, sample);
      } catch (error) {
        const failure = error instanceof IssuesError ? { issues: error.issues } : { error };
        Atomics.add(run.counters, Counter.failed(batch.slot), 1);
        this.#options.report({ type: 'failed', run: batch.run, index: batch.index, sample, failure });
      }
      const left = Atomics.sub(run.counters, Counter.left(batch.slot), 1) - 1;
      if (left === 0) this.#options.report({ type: 'ready', run: batch.run });
    }
  }

  async #decode({ decodes, pixels, width, height }: BatchMessage, sample: number): Promise<void> {
    const bytes = width * height * 3;
    const target = new Uint8Array(pixels, sample * bytes, bytes);
    await decodeImage(decodes[sample], { target, cache: this.#options.cache });
    if (decodes[sample].augment === undefined) return;
    const augment = await this.#options.augment;
    augment?.(target, width, height, decodes[sample].augment);
  }
}

/** The batches of one run that may still have samples to take. */
class Run {
  readonly counters: Int32Array;
  readonly #batches: BatchMessage[] = [];
  #ended = false;
  #changed = Promise.withResolvers<void>();

  constructor(first: BatchMessage) {
    this.counters = new Int32Array(first.counters);
    this.#batches.push(first);
  }

  add(batch: BatchMessage): void {
    // A slot is filled again only after its last batch was done.
    if (this.#batches.length === batch.slots) this.#batches.shift();
    this.#batches.push(batch);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** The batch of a sample, perhaps after waiting for it; undefined when the run ends before. */
  async batchOf(number: number): Promise<BatchMessage | undefined> {
    for (;;) {
      const batch = this.#batches.find(({ first, decodes }) => number >= first && number < first + decodes.length);
      if (batch || this.#ended) return batch;
      await this.#changed.promise;
    }
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** Loads an augment module: the default export of `url`. */
export async function loadAugment(url: string | undefined): Promise<Augment | undefined> {
  if (url === undefined) return undefined;
  const { default: augment } = await import(url);
  if (typeof augment !== 'function')
    throw new TypeError(`${url} has no default export augment(pixels, width, height, args)`);
  return augment;
}
