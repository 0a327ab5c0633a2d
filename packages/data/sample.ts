import { type Decode, decodeImage, type Pixels } from './decode.ts';
import type { ImageCache } from './image-cache.ts';
import { type Issue, IssuesError } from './issue.ts';

/** An image that is put together of others, by the augment module's `compose`. */
export interface Composition {
  readonly decodes: readonly Decode[];
  /** Of the result. */
  readonly size: { readonly width: number; readonly height: number };
  /** Arguments for `compose`; what can be sent to a worker. */
  readonly compose: unknown;
}

/** What one image of a batch is made of. */
export type Sample = Decode | Composition;

/** Changes the pixels of one decoded image in place; `args` is the image's `Decode.augment`. */
export type Augment = (pixels: Uint8Array, width: number, height: number, args: unknown) => void;

/**
 * Puts decoded images together.
 * @param images in the order of `Composition.decodes`; they are changed by nobody afterwards
 * @param target what the result is written to, all of it; what it holds before is any earlier image
 * @param args the sample's `Composition.compose`
 */
export type Compose = (images: readonly Pixels[], target: Pixels, args: unknown) => void;

/** What an augment module exports: `augment` as its default, `compose` by its name. Either may be missing where no sample needs it. */
export interface AugmentModule {
  readonly default?: Augment;
  readonly compose?: Compose;
}

/** Width and height of what comes out. */
export function sizeOfSample(sample: Sample): { readonly width: number; readonly height: number } {
  return 'decodes' in sample ? sample.size : (sample.cropAfter ?? sample.resize);
}

export interface PrepareOptions {
  /** Receives the pixels. */
  readonly target: Uint8Array;
  readonly augment: PromiseLike<AugmentModule | undefined>;
  readonly cache: ImageCache | undefined;
}

/**
 * Decodes a sample's images and runs the augment module on them.
 * @throws IssuesError with all images of the sample that cannot be read
 */
export async function prepareSample(sample: Sample, { target, augment, cache }: PrepareOptions): Promise<void> {
  const cached = cache && { cache };
  if (!('decodes' in sample)) {
    const { width, height } = await decodeImage(sample, { target, ...cached });
    if (sample.augment === undefined) return;
    const change = required((await augment)?.default, 'a default export augment(pixels, width, height, args)');
    change(target, width, height, sample.augment);
    return;
  }
  const images: Pixels[] = [];
  const issues: Issue[] = [];
  // One after the other: there is work for a thread's other lanes, and memory for few large images at once.
  for (const decode of sample.decodes) {
    try {
      const image = new Uint8Array(bytesOf(decode));
      await prepareSample(decode, { target: image, augment, cache });
      images.push({ pixels: image, ...sizeOfSample(decode) });
    } catch (error) {
      if (!(error instanceof IssuesError)) throw error;
      issues.push(...error.issues);
    }
  }
  if (issues.length > 0) throw new IssuesError(issues);
  const compose = required((await augment)?.compose, 'an export compose(images, target, args)');
  compose(images, { pixels: target, ...sample.size }, sample.compose);
}

/** Bytes of a sample's pixels. */
export function bytesOf(sample: Sample): number {
  const { width, height } = sizeOfSample(sample);
  return width * height * 3;
}

/** Whether the sample cannot be made without an augment module. */
export function needsModule(sample: Sample): boolean {
  return 'decodes' in sample || sample.augment !== undefined;
}

/** Loads an augment module. */
export async function loadAugment(url: string | undefined): Promise<AugmentModule | undefined> {
  return url === undefined ? undefined : ((await import(url)) as AugmentModule);
}

function required<T>(found: T | undefined, what: string): T {
  if (typeof found !== 'function') throw new TypeError(`the augment module has no ${what.replace(/^an? /, '')}`);
  return found;
}
