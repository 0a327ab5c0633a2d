import type { ImageCache } from './image-cache.ts';
import { type Issue, IssuesError } from './issue.ts';
import { type AugmentModule, bytesOf, prepareSample, type Sample } from './sample.ts';

/** A batch to decode. All memory in it is shared between threads. */
export interface BatchMessage {
  readonly type: 'batch';
  readonly run: number;
  readonly index: number;
  /** Number of the batch's first sample, counted through the run. */
  readonly first: number;
  readonly samples: readonly Sample[];
  /** [height, width, 3] of one sample after the other. */
  readonly pixels: SharedArrayBuffer;
  /** Where in `pixels` each begins. */
  readonly offsets: readonly number[];
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
  readonly augment: Promise<AugmentModule | undefined>;
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
        await this.#prepare(batch, sample);
      } catch (error) {
        const failure = error instanceof IssuesError ? { issues: error.issues } : { error };
        Atomics.add(run.counters, Counter.failed(batch.slot), 1);
        this.#options.report({ type: 'failed', run: batch.run, index: batch.index, sample, failure });
      }
      const left = Atomics.sub(run.counters, Counter.left(batch.slot), 1) - 1;
      if (left === 0) this.#options.report({ type: 'ready', run: batch.run });
    }
  }

  #prepare({ samples, pixels, offsets }: BatchMessage, number: number): Promise<void> {
    const sample = samples[number];
    const target = new Uint8Array(pixels, offsets[number], bytesOf(sample));
    return prepareSample(sample, { target, augment: this.#options.augment, cache: this.#options.cache });
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
      const batch = this.#batches.find(({ first, samples }) => number >= first && number < first + samples.length);
      if (batch || this.#ended) return batch;
      await this.#changed.promise;
    }
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
