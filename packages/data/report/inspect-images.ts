import { readFile, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Issue } from '../issue.ts';
import { type Memory, RememberedImages } from '../remembered-images.ts';
import { sharp } from '../sharp.ts';
import { openVerifiedImages, type VerifiedImages } from '../verified-images.ts';
import { type VerifiableImage, type VerifyOptions, verifyImages } from '../verify-images.ts';
import { type ImageTraits, PREVIEW_SIDE, readTraits } from './image-traits.ts';

export interface Inspection {
  /** By file; an image that cannot be decoded has none. */
  readonly traits: ReadonlyMap<string, ImageTraits>;
  /** Of images that are missing or damaged, as `verifyImages` gives them. */
  readonly issues: Issue[];
}

/**
 * Opens every image once, wholly, off the main thread, for what it is like and what is wrong with it. With a `cacheFolder` a
 * second inspection opens only what has changed, and training need not verify the images again.
 */
export async function inspectImages(
  records: readonly VerifiableImage[],
  options: VerifyOptions = {},
): Promise<Inspection> {
  const { cacheFolder, onProgress, signal } = options;
  const known = cacheFolder === undefined ? undefined : await RememberedImages.open(cacheFolder, memory);
  const verified = cacheFolder === undefined ? undefined : await openVerifiedImages(cacheFolder);
  const files = [...new Set(records.map(({ file }) => file))];
  const traits = new Map<string, ImageTraits>();
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < files.length) {
      signal?.throwIfAborted();
      const file = files[next++];
      const found = await inspect(file, known, verified);
      if (found) traits.set(file, found);
      onProgress?.(++done, files.length);
    }
  };
  try {
    await Promise.all(Array.from({ length: availableParallelism() * 2 }, work));
  } finally {
    // A folder that cannot be written to is an issue of verifyImages.
    await Promise.allSettled([known?.save(), verified?.save()]);
  }
  const issues = await verifyImages(records, {
    ...(cacheFolder !== undefined && { cacheFolder }),
    ...(signal && { signal }),
  });
  return { traits, issues };
}

/** Undefined when the image cannot be decoded. */
async function inspect(
  file: string,
  known: RememberedImages<Remembered> | undefined,
  verified: VerifiedImages | undefined,
): Promise<ImageTraits | undefined> {
  try {
    const identity = await stat(file);
    const remembered = known?.get(file, identity);
    if (remembered) return recalled(remembered);
    if (!identity.isFile()) return undefined;
    const bytes = await readFile(file);
    let traits: ImageTraits;
    try {
      traits = await readTraits(bytes, 'warning');
      verified?.set(file, identity, [traits.width, traits.height]);
    } catch {
      traits = await readTraits(bytes, 'error');
    }
    known?.set(file, identity, toRemember(traits));
    return traits;
  } catch {
    return undefined;
  }
}

/** Traits as JSON keeps them. */
type Remembered = Omit<ImageTraits, 'preview'> & { readonly preview: string };

const memory: Memory<Remembered> = {
  name: 'inspected-images',
  version: `1 ${sharp.versions.vips}`,
  isValue: isRemembered,
};

const toRemember = (traits: ImageTraits): Remembered => ({
  ...traits,
  preview: Buffer.from(traits.preview).toString('base64'),
});

const recalled = (remembered: Remembered): ImageTraits => ({
  ...remembered,
  preview: new Uint8Array(Buffer.from(remembered.preview, 'base64')),
});

function isRemembered(value: unknown): value is Remembered {
  if (typeof value !== 'object' || value === null) return false;
  const { width, height, digest, hash, mirrored, preview } = value as Record<string, unknown>;
  const isHash = (bits: unknown) => Array.isArray(bits) && bits.length === 2 && bits.every(Number.isInteger);
  return (
    [width, height].every((side) => typeof side === 'number' && side > 0) &&
    [digest, preview].every((text) => typeof text === 'string') &&
    Buffer.from(preview as string, 'base64').length === PREVIEW_SIDE ** 2 &&
    [hash, mirrored].every(isHash)
  );
}
