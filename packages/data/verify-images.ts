import { readFile, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { ImageRecord } from './dataset.ts';
import { imageProblem, MOST_PIXELS } from './image-problem.ts';
import { type Issue, shortPath } from './issue.ts';
import { sharp } from './sharp.ts';
import { VerifiedImages } from './verified-images.ts';

export interface VerifyOptions {
  /** Folder for what is remembered from run to run, so that only new and changed images are opened. Default: nothing is. */
  cacheFolder?: string;
  /** Called after each image. */
  onProgress?: (done: number, total: number) => void;
  /** Ends the work early: rejects with the signal's reason. */
  signal?: AbortSignal;
}

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
export async function verifyImages(records: readonly ImageRecord[], options: VerifyOptions = {}): Promise<Issue[]> {
  const { cacheFolder, onProgress, signal } = options;
  const cache = cacheFolder === undefined ? undefined : await VerifiedImages.open(cacheFolder);
  const issues: Issue[][] = records.map(() => []);
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < records.length) {
      signal?.throwIfAborted();
      const i = next++;
      issues[i] = applyVerdict(records[i], await verdictOf(records[i].file, cache));
      onProgress?.(++done, records.length);
    }
  };
  let unsaved: Issue[] = [];
  try {
    // More at once than there are cores: while one image is read from the disk, another is decoded.
    await Promise.all(Array.from({ length: availableParallelism() * 2 }, work));
  } finally {
    unsaved = await save(cache, cacheFolder);
  }
  return issues.flat().concat(unsaved);
}

async function verdictOf(file: string, cache: VerifiedImages | undefined): Promise<Verdict> {
  try {
    const identity = await stat(file);
    const known = cache?.get(file, identity);
    if (known) return known;
    if (!identity.isFile() || identity.size === 0) throw new Error('nothing to decode');
    const verdict = await decodeWhole(file);
    if (!verdict.problem) cache?.set(file, identity, verdict);
    return verdict;
  } catch (error) {
    const { code, message, hint } = await imageProblem(file, error);
    const problem = {
      code,
      severity: 'error',
      message: `${shortPath(file)} ${message}`,
      ...(hint !== undefined && { hint }),
    } as const;
    return { width: 0, height: 0, problem };
  }
}

async function decodeWhole(file: string): Promise<Verdict> {
  const bytes = await readFile(file);
  const { width, height } = (await sharp(bytes, { failOn: 'none', limitInputPixels: MOST_PIXELS }).metadata())
    .autoOrient;
  try {
    await decodeAt(bytes, 'warning', { width, height });
    return { width, height };
  } catch (error) {
    // A fault in the data of a JPEG shows in its pixels; stray bytes between its parts, or an odd tag of a TIFF, do not.
    const reason = error instanceof Error ? error.message : String(error);
    if (/corrupt jpeg data/i.test(reason) && !/extraneous bytes/i.test(reason)) throw error;
    if (!(await decodesAt(bytes, 'error', { width, height }))) throw error;
    const message = `${shortPath(file)} is readable, but not quite right (${reason.split('\n')[0]})`;
    return { width, height, problem: { code: 'image-odd', severity: 'warning', message } };
  }
}

async function decodesAt(...args: Parameters<typeof decodeAt>): Promise<boolean> {
  return decodeAt(...args).then(
    () => true,
    () => false,
  );
}

/**
 * Every pixel has to be decoded, none to be kept: a ninth of each side is asked for, by averaging. Then a JPEG is decoded at an
 * eighth, which reads all of its data in a third of the time.
 */
async function decodeAt(
  bytes: Uint8Array,
  failOn: 'warning' | 'error',
  { width, height }: { width: number; height: number },
): Promise<void> {
  const size = [width, height].map((length) => Math.max(1, Math.floor(length / 9)));
  const image = sharp(bytes, { failOn, limitInputPixels: MOST_PIXELS, ignoreIcc: true }).autoOrient();
  await image.resize(size[0], size[1], { fit: 'fill', kernel: 'linear' }).raw().toBuffer();
}

function applyVerdict(record: ImageRecord, { width, height, problem }: Verdict): Issue[] {
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
