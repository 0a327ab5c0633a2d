import { BatchLoader, type ImageRecord } from '@fovea/data';
import { fromTypedArray, type Tensor } from '@fovea/torch';
import { augmentModule, mixSeeds, type Normalisation, normaliseBatch, torchRandom } from '@fovea/vision';
import type { ClassificationTask } from './classification.ts';

/** A batch as it comes from the workers. */
export interface ImageBatch {
  readonly index: number;
  readonly records: readonly ImageRecord[];
  /** uint8 RGB [N, H, W, 3]; valid until the next batch is asked for. */
  readonly pixels: Uint8Array;
  readonly size: number;
}

/** A trial's images as batches of tensors, decoded by workers ahead of time. */
export class ImageStream {
  readonly #task: ClassificationTask;
  readonly #normalisation: Normalisation;
  readonly #loader: BatchLoader;

  constructor(task: ClassificationTask, normalisation: Normalisation, workers: number) {
    this.#task = task;
    this.#normalisation = normalisation;
    this.#loader = new BatchLoader({ workers, augmentModule });
  }

  /** All training images once. Their order and their augmentations depend on seed and epoch alone, not on workers or restarts. */
  training(batches: readonly (readonly ImageRecord[])[], seed: number, epoch: number, signal: AbortSignal): AsyncGenerator<ImageBatch> {
    let position = 0;
    const decodes = batches.map((batch) => batch.map((record) => this.#task.trainingDecode(record, seed, epoch, position++)));
    return this.#load(batches, decodes, signal);
  }

  validation(records: readonly ImageRecord[], batchSize: number, signal: AbortSignal): AsyncGenerator<ImageBatch> {
    const batches = inBatches(records, batchSize);
    const decodes = batches.map((batch) => batch.map((record) => this.#task.validationDecode(record)));
    return this.#load(batches, decodes, signal);
  }

  async *#load(
    batches: readonly (readonly ImageRecord[])[],
    decodes: Parameters<BatchLoader['run']>[0],
    signal: AbortSignal,
  ): AsyncGenerator<ImageBatch> {
    for await (const { index, pixels } of this.#loader.run(decodes, { signal })) {
      const records = batches[index];
      yield { index, records, pixels, size: Math.sqrt(pixels.length / records.length / 3) };
    }
  }

  /** What the network takes: normalised float32 [N, 3, H, W], in channels_last order. */
  input({ pixels, records, size }: ImageBatch, device: string): Tensor {
    return normaliseBatch(fromTypedArray(pixels, [records.length, size, size, 3]).to({ device }), this.#normalisation);
  }

  close(): void {
    this.#loader.close();
  }
}

/** The training images of an epoch in their random order, in batches. */
export function shuffledBatches(records: readonly ImageRecord[], batchSize: number, seed: number, epoch: number): ImageRecord[][] {
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
