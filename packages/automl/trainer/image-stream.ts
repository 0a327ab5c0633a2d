import { BatchLoader, type Decode, type ImageCache, type ImageRecord } from '@fovea/data';
import { fromTypedArray, type Tensor } from '@fovea/torch';
import { augmentModule, mixSeeds, type Normalisation, normaliseBatch, torchRandom } from '@fovea/vision';
import type { ClassificationTask } from './classification-task.ts';

/** A batch as it comes from the workers. */
export interface ImageBatch {
  readonly index: number;
  readonly records: readonly ImageRecord[];
  /** uint8 RGB [N, height, width, 3]; valid until the next batch is asked for. */
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
}

type Records = readonly ImageRecord[];

/** A trial's images as batches of tensors, decoded by workers ahead of time. */
export class ImageStream {
  readonly #task: ClassificationTask;
  readonly #normalisation: Normalisation;
  readonly #loader: BatchLoader;

  /** @param cache where decoded images are kept from one epoch to the next */
  constructor(
    task: ClassificationTask,
    normalisation: Normalisation,
    { workers, cache }: { workers: number; cache?: ImageCache | undefined },
  ) {
    this.#task = task;
    this.#normalisation = normalisation;
    this.#loader = new BatchLoader({ workers, augmentModule, ...(cache && { cache }) });
  }

  /** How long batches have been waited for in all. */
  get waitedMilliseconds(): number {
    return this.#loader.waitedMilliseconds;
  }

  /** All training images once. What is done to them depends on seed, epoch and place alone, not on workers or restarts. */
  training(batches: readonly Records[], seed: number, epoch: number, signal: AbortSignal): AsyncGenerator<ImageBatch> {
    let position = 0;
    return this.#load(batches, (record) => this.#task.trainingDecode(record, seed, epoch, position++), signal);
  }

  validation(records: Records, batchSize: number, signal: AbortSignal): AsyncGenerator<ImageBatch> {
    return this.#load(inBatches(records, batchSize), (record) => this.#task.validationDecode(record), signal);
  }

  async *#load(
    batches: readonly Records[],
    decodeOf: (record: ImageRecord) => Decode,
    signal: AbortSignal,
  ): AsyncGenerator<ImageBatch> {
    const decodes = Iterator.from(batches).map((batch) => batch.map(decodeOf));
    for await (const { index, pixels, width, height } of this.#loader.run(decodes, { signal })) {
      yield { index, records: batches[index], pixels, width, height };
    }
  }

  /** What the network takes: normalised float32 [N, 3, H, W], in channels_last order. */
  input({ pixels, records, width, height }: ImageBatch, device: string): Tensor {
    const bytes = fromTypedArray(pixels, [records.length, height, width, 3]);
    return normaliseBatch(bytes.to({ device }), this.#normalisation);
  }

  async close(): Promise<void> {
    await this.#loader.close();
  }
}

/** The images of a batch from one to before another, over the same memory. */
export function partOf(batch: ImageBatch, start: number, end: number): ImageBatch {
  const bytes = batch.width * batch.height * 3;
  return {
    ...batch,
    records: batch.records.slice(start, end),
    pixels: batch.pixels.subarray(start * bytes, end * bytes),
  };
}

/** The training images of an epoch in their random order, in batches. */
export function shuffledBatches(records: Records, batchSize: number, seed: number, epoch: number): ImageRecord[][] {
  const order = torchRandom(mixSeeds(seed, epoch)).permutation(records.length);
  const batches = inBatches(
    order.map((position) => records[position]),
    batchSize,
  );
  // Batch norm has no statistics over a single image: it joins the batch before.
  if (batches.length > 1 && batches.at(-1)?.length === 1) batches.at(-2)?.push(...(batches.pop() ?? []));
  return batches;
}

function inBatches<T>(items: readonly T[], size: number): T[][] {
  const batches: T[][] = [];
  for (let start = 0; start < items.length; start += size) batches.push(items.slice(start, start + size));
  return batches;
}
