import { readFile, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { ImageRecord } from './dataset.ts';
import { openImage } from './decode-file.ts';
import { imageProblem, MOST_PIXELS, withoutPreface } from './image-problem.ts';
import { type Issue, shortPath } from './issue.ts';
import { openVerifiedImages, type VerifiedImages } from './verified-images.ts';

export interface VerifyOptions {
  /** Folder for what is remembered from run to run, so that only new and changed images are opened. Default: nothing is. */
  cacheFolder?: string;
  /** Called after each image. */
  onProgress?: (done: number, total: number) => void;
  /** Ends the work early: rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** What is asked for, and filled in, of a record of any kind. */
export type VerifiableImage = Pick<ImageRecord, 'file' | 'source' | 'width' | 'height'>;

/** What opening one image has shown; width and height are 0 when it cannot be used. */
interface Verdict {
  width: number;
  height: number;
  problem?: Omit<Issue, 'file' | 'line'>;
}

/**
 * Decodes every image once, wholly, off the main thread, and fills in `width` and `height` of the records. All that is wrong is
 * returned at once: files that are missing, empty, cut off, damaged, no images, too large or not readable (errors), and those
 * with harmless faults or another size than `image_details` says (warnings).
 */
export async function verifyImages(records: readonly VerifiableImage[], options: VerifyOptions = {}): Promise<Issue[]> {
  const { cacheFolder, onProgress, signal } = options;
  const cache = cacheFolder === undefined ? undefined : await openVerifiedImages(cacheFolder);
  const verdicts = new Map<number, Verdict>();
  let next = 0;
  const advance = (i: number, verdict: Verdict) => {
    verdicts.set(i, verdict);
    onProgress?.(verdicts.size, records.length);
  };
  const work = async () => {
    while (next < records.length) {
      signal?.throwIfAborted();
      const i = next++;
      const size = await wholeImage(records[i].file, cache);
      if (size) advance(i, size);
    }
  };
  let unsaved: Issue[] = [];
  try {
    // More at once than there are cores: while one image is read from the disk, another is decoded.
    await Promise.all(Array.from({ length: availableParallelism() * 2 }, work));
    // libvips keeps the words of errors in one place for all threads: what is wrong, an image only tells when it is alone.
    for (const [i, { file }] of records.entries()) {
      signal?.throwIfAborted();
      if (!verdicts.has(i)) advance(i, await faultyImage(file));
    }
  } finally {
    unsaved = await save(cache, cacheFolder);
  }
  return records.flatMap((record, i) => applyVerdict(record, verdicts.get(i) ?? UNUSABLE)).concat(unsaved);
}

const UNUSABLE = { width: 0, height: 0 };

/** The size of an image without any fault; undefined when it has some. */
async function wholeImage(file: string, cache: VerifiedImages | undefined): Promise<Verdict | undefined> {
  try {
    const identity = await stat(file);
    const known = cache?.get(file, identity);
    if (known) return { width: known[0], height: known[1] };
    if (!identity.isFile()) return undefined;
    const size = await decodeWhole(await readFile(file), 'warning');
    cache?.set(file, identity, [size.width, size.height]);
    return size;
  } catch {
    return undefined;
  }
}

/** What is wrong with an image. */
async function faultyImage(file: string): Promise<Verdict> {
  let reason: unknown;
  try {
    if (!(await stat(file)).isFile()) throw new Error('nothing to decode');
    const bytes = await readFile(file);
    try {
      return await decodeWhole(bytes, 'warning');
    } catch (error) {
      reason = error;
    }
    // A fault in the data of a JPEG shows in its pixels; stray bytes between its parts, or an odd tag of a TIFF, do not.
    const words = withoutPreface(reason);
    if (!/corrupt jpeg data/i.test(words) || /extraneous bytes/i.test(words)) {
      const size = await decodeWhole(bytes, 'error');
      const message = `${shortPath(file)} is readable, but not quite right (${words.split('\n')[0]})`;
      return { ...size, problem: { code: 'image-odd', severity: 'warning', message } };
    }
  } catch (error) {
    reason ??= error;
  }
  const { code, message, hint } = await imageProblem(file, reason);
  const problem = {
    code,
    severity: 'error',
    message: `${shortPath(file)} ${message}`,
    ...(hint !== undefined && { hint }),
  } as const;
  return { ...UNUSABLE, problem };
}

/**
 * Decodes every pixel and keeps none: a ninth of each side is asked for, by averaging. Then a JPEG is decoded at an eighth, which
 * reads all of its data in a third of the time.
 */
async function decodeWhole(bytes: Uint8Array, failOn: 'warning' | 'error'): Promise<{ width: number; height: number }> {
  const options = { limitInputPixels: MOST_PIXELS, ignoreIcc: true };
  const { width, height } = (await openImage(bytes, { ...options, failOn: 'none' }).metadata()).autoOrient;
  const [across, down] = [width, height].map((length) => Math.max(1, Math.floor(length / 9)));
  const image = openImage(bytes, { ...options, failOn }).autoOrient();
  await image.resize(across, down, { fit: 'fill', kernel: 'linear' }).raw().toBuffer();
  return { width, height };
}

function applyVerdict(record: VerifiableImage, { width, height, problem }: Verdict): Issue[] {
  const issues: Issue[] = problem ? [{ ...record.source, ...problem }] : [];
  if (width === 0) return issues;
  const declared = { width: record.width || width, height: record.height || height };
  record.width = width;
  record.height = height;
  if (declared.width === width && declared.height === height) return issues;
  const message = `${shortPath(record.file)} has ${width} × ${height} pixels, image_details says ${declared.width} × ${declared.height}`;
  return [...issues, { code: 'image-size', severity: 'warning', ...record.source, message }];
}

async function save(cache: VerifiedImages | undefined, folder = ''): Promise<Issue[]> {
  try {
    await cache?.save();
    return [];
  } catch (error) {
    const message = `cannot be written to (${error instanceof Error ? error.message : error}); all images will be opened again next time`;
    return [{ code: 'cache-unwritable', severity: 'warning', file: folder, message }];
  }
}
