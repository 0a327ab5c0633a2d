import { Worker } from 'node:worker_threads';
import type { ModelTask } from '@fovea/automl/model-folder';
import type { Preparation } from '../prepare.ts';
import { BatchSize } from './batch-size.ts';
import type { Answer, ModelThreadData, ModelThreadMessage, Refusal } from './model-thread.ts';
import { bufferOf, type PreparedImage } from './prepared-image.ts';

/** What a deployment's instance answers with. */
export interface ServedModel {
  readonly task: ModelTask;
  readonly modelName: string;
  readonly labels: readonly string[];
}

/** Batches of more floats than this are not made, whatever they would gain. */
const LARGEST_INPUT = 16e6;

interface Waiting {
  readonly image: PreparedImage;
  readonly settle: (answer: Answer | Refusal) => void;
  readonly fail: (error: unknown) => void;
}

export interface BatchReport {
  readonly images: number;
  readonly seconds: number;
}

export interface ScoringOptions {
  /** 0: as many as the machine has cores. */
  readonly threads?: number;
  /** Default: 1. */
  readonly maxBatchImages?: number;
  /** Batches that would take longer are not made. Default: 1. */
  readonly longestBatchSeconds?: number;
  /** Told after each run of the network. */
  readonly onBatch?: (report: BatchReport) => void;
}

/** The network, in a thread of its own. Images that come while it runs wait, and go through it together where that is faster. */
export class ScoringModel {
  readonly model: ServedModel;
  /** How images are prepared for it; null: whole. */
  readonly preparation: Preparation | null;
  /** Resolves when it ended by itself. */
  readonly broken: Promise<Error>;
  readonly #worker: Worker;
  readonly #size: BatchSize;
  readonly #queue = new Set<Waiting>();
  readonly #onBatch: (report: BatchReport) => void;
  /** The batch that the network has, and the one that lies ready for it. */
  #running: (readonly Waiting[])[] = [];
  #since = 0;
  #ended: Error | null = null;
  readonly #break: (error: Error) => void;

  private constructor(
    worker: Worker,
    { model, preparation }: Extract<ModelThreadMessage, { kind: 'opened' }>,
    { onBatch = () => {}, maxBatchImages = 1, longestBatchSeconds = 1 }: ScoringOptions,
  ) {
    this.#worker = worker;
    this.#onBatch = onBatch;
    this.model = model;
    this.preparation = preparation;
    const { promise, resolve } = Promise.withResolvers<Error>();
    this.broken = promise;
    this.#break = resolve;
    const each = preparation ? 3 * preparation.cropSize ** 2 : Number.POSITIVE_INFINITY;
    const mostImages = Math.min(maxBatchImages, Math.max(1, Math.floor(LARGEST_INPUT / each)));
    this.#size = new BatchSize({ mostImages, longestSeconds: longestBatchSeconds });
    worker.on('message', (message: ModelThreadMessage) => this.#finish(message));
    worker.on('error', (error: unknown) => this.#end(error instanceof Error ? error : new Error(String(error))));
    worker.on('exit', () => this.#end(new Error('the thread of the network ended')));
  }

  /** @throws Error in the words of ModelFolderError or OnnxError when the folder is not in order */
  static async open(folder: string, options: ScoringOptions = {}): Promise<ScoringModel> {
    const data: ModelThreadData = { folder, threads: options.threads ?? 0 };
    const worker = new Worker(new URL('./model-thread.ts', import.meta.url), { workerData: data });
    const { promise, resolve, reject } = Promise.withResolvers<ModelThreadMessage>();
    worker.once('message', resolve);
    worker.once('error', reject);
    const ended = () => reject(new Error('the thread of the network ended before it had the model'));
    worker.once('exit', ended);
    const message = await promise;
    worker.off('error', reject).off('exit', ended);
    if (message.kind === 'opened') return new ScoringModel(worker, message, options);
    await worker.terminate();
    throw message.kind === 'failed'
      ? message.error
      : new Error('the thread of the network answered before it was asked');
  }

  /** Images that wait for the network. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Seconds that the network has been at the images that it has now; 0 when it has none. */
  get busySeconds(): number {
    return this.#running.length > 0 ? (performance.now() - this.#since) / 1000 : 0;
  }

  /** Null while it can answer. */
  get ended(): Error | null {
    return this.#ended;
  }

  /** @throws the reason of the signal; an image that is in the network already is scored for nobody */
  async score(image: PreparedImage, signal: AbortSignal): Promise<Answer | Refusal> {
    signal.throwIfAborted();
    if (this.#ended) throw this.#ended;
    const { promise, resolve, reject } = Promise.withResolvers<Answer | Refusal>();
    const waiting: Waiting = { image, settle: resolve, fail: reject };
    const drop = () => {
      this.#queue.delete(waiting);
      reject(signal.reason);
    };
    signal.addEventListener('abort', drop);
    this.#queue.add(waiting);
    this.#next();
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', drop);
    }
  }

  async close(): Promise<void> {
    this.#ended ??= new Error('the model was closed');
    await this.#worker.terminate();
  }

  #next(): void {
    while (this.#queue.size > 0 && this.#running.length < 2) {
      const size = this.#size.choose(this.#queue.size);
      // While the network runs, a batch lies ready for it, unless it would be a larger one if it were made later.
      if (this.#running.length > 0 && size < this.#size.choose(Number.POSITIVE_INFINITY)) return;
      const batch = [...this.#queue.values().take(size)];
      for (const waiting of batch) this.#queue.delete(waiting);
      if (this.#running.length === 0) this.#since = performance.now();
      this.#running.push(batch);
      const images = batch.map(({ image }) => image);
      this.#worker.postMessage(images, images.map(bufferOf));
    }
  }

  #finish(message: ModelThreadMessage): void {
    const batch = this.#running.shift() ?? [];
    this.#since = performance.now();
    if (message.kind === 'scored') this.#size.observe(batch.length, message.seconds);
    // The network goes on before anything is done with the answers.
    this.#next();
    if (message.kind === 'scored') {
      this.#onBatch({ images: batch.length, seconds: message.seconds });
      for (const [i, { settle }] of batch.entries()) settle(message.answers[i]);
    } else if (message.kind === 'failed') {
      for (const { fail } of batch) fail(message.error);
    }
  }

  #end(error: Error): void {
    if (this.#ended) return;
    this.#ended = error;
    this.#break(error);
    for (const { fail } of [...this.#running.flat(), ...this.#queue]) fail(error);
    this.#queue.clear();
    this.#running = [];
  }
}
