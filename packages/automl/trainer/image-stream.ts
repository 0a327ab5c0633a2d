import { BatchLoader, type ImageCache, type Pixels } from '@fovea/data';
import { fromTypedArray, type Tensor } from '@fovea/torch';
import { augmentModule, mixSeeds, normaliseBatch, torchRandom } from '@fovea/vision';
import type { Sample, SampleCanvas, TrainingTask } from './training-task.ts';

/** A batch as it comes from the workers. */
export interface ImageBatch<S extends Sample> {
  readonly index: number;
  readonly samples: readonly S[];
  /** uint8 RGB [N, height, width, 3]; valid until the next batch is asked for. */
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** What a stream asks of a task. */
type Source<S extends Sample> = Pick<
  TrainingTask<S, never>,
  'trainingSamples' | 'validationSamples' | 'validationImages' | 'normalisation'
>;

/** A trial's images as batches of tensors, decoded by workers ahead of time. */
export class ImageStream<S extends Sample> {
  readonly #task: Source<S>;
  readonly #loader: BatchLoader;

  /** @param cache where decoded images are kept from one epoch to the next */
  constructor(task: Source<S>, { workers, cache }: { workers: number; cache?: ImageCache | undefined }) {
    this.#task = task;
    this.#loader = new BatchLoader({ workers, augmentModule, ...(cache && { cache }) });
  }

  /** How long batches have been waited for in all. */
  get waitedMilliseconds(): number {
    return this.#loader.waitedMilliseconds;
  }

  /** All training images once. What is done to them depends on seed, epoch and place alone, not on workers or restarts. */
  training(
    batches: readonly (readonly number[])[],
    seed: number,
    epoch: number,
    signal: AbortSignal,
  ): AsyncGenerator<ImageBatch<S>> {
    let position = 0;
    let batch = 0;
    const samples = Iterator.from(batches).map((images) => {
      const made = this.#task.trainingSamples(images, { seed, epoch, batch: batch++, position });
      position += images.length;
      return made;
    });
    return this.#load(samples, signal);
  }

  validation(batchSize: number, signal: AbortSignal): AsyncGenerator<ImageBatch<S>> {
    const images = Array.from({ length: this.#task.validationImages }, (_, image) => image);
    const samples = Iterator.from(inBatches(images, batchSize)).map((batch) => this.#task.validationSamples(batch));
    return this.#load(samples, signal);
  }

  async *#load(batches: IteratorObject<S[]>, signal: AbortSignal): AsyncGenerator<ImageBatch<S>> {
    const ahead: S[][] = [];
    const asked = batches.map((samples) => {
      ahead.push(samples);
      return samples.map(({ image }) => image);
    });
    for await (const { index, pixels, images, width, height } of this.#loader.run(asked, {
      signal,
      mixedSizes: true,
    })) {
      const samples = ahead.shift() ?? [];
      const loaded = samples.some(({ canvas }) => canvas) ? onCanvases(samples, images) : { pixels, width, height };
      yield { index, samples, ...loaded };
    }
  }

  /** What the network takes: normalised float32 [N, 3, H, W], in channels_last order. */
  input({ pixels, samples, width, height }: ImageBatch<S>, device: string): Tensor {
    const bytes = fromTypedArray(pixels, [samples.length, height, width, 3]);
    return normaliseBatch(bytes.to({ device }), this.#task.normalisation);
  }

  async close(): Promise<void> {
    await this.#loader.close();
  }
}

/** Images on their canvases, which are all of one size. */
function onCanvases(samples: readonly Sample[], images: readonly Pixels[]): Pixels {
  const canvases = samples.map(({ canvas }, i): SampleCanvas => canvas ?? { ...images[i], left: 0, top: 0, fill: 0 });
  const [{ width, height }] = canvases;
  if (canvases.some((canvas) => canvas.width !== width || canvas.height !== height)) {
    throw new RangeError('the canvases of a batch differ in size');
  }
  const pixels = new Uint8Array(samples.length * width * height * 3);
  for (const [i, { left, top, fill }] of canvases.entries()) {
    const image = images[i];
    const target = pixels.subarray(i * width * height * 3, (i + 1) * width * height * 3);
    if (fill !== 0) target.fill(fill);
    for (let y = 0; y < image.height; y++) {
      const row = image.pixels.subarray(y * image.width * 3, (y + 1) * image.width * 3);
      target.set(row, ((top + y) * width + left) * 3);
    }
  }
  return { pixels, width, height };
}

/** The images of a batch from one to before another, over the same memory. */
export function partOf<S extends Sample>(batch: ImageBatch<S>, start: number, end: number): ImageBatch<S> {
  const bytes = batch.width * batch.height * 3;
  return {
    ...batch,
    samples: batch.samples.slice(start, end),
    pixels: batch.pixels.subarray(start * bytes, end * bytes),
  };
}

/** The training images of an epoch in their random order, in batches. */
export function shuffledBatches(images: number, batchSize: number, seed: number, epoch: number): number[][] {
  const batches = inBatches(torchRandom(mixSeeds(seed, epoch)).permutation(images), batchSize);
  // Batch norm has no statistics over a single image: it joins the batch before.
  if (batches.length > 1 && batches.at(-1)?.length === 1) batches.at(-2)?.push(...(batches.pop() ?? []));
  return batches;
}

function inBatches(items: ArrayLike<number>, size: number): number[][] {
  const all = Array.from(items);
  const batches: number[][] = [];
  for (let start = 0; start < all.length; start += size) batches.push(all.slice(start, start + size));
  return batches;
}
