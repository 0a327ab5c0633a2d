import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { WeightsError, type WeightsErrorCode } from './weights-error.ts';

/** `total` is undefined when the server does not say. Both in bytes. */
export type OnProgress = (done: number, total: number | undefined) => void;

export interface DownloadOptions {
  fetch: typeof globalThis.fetch;
  /** SHA-256 in hex, or its first digits. */
  sha256: string | null;
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Streams a file to `path`: to a temporary name beside it, hashing on the way, and renamed only when whole and right.
 * Nothing is left behind otherwise.
 *
 * @throws WeightsError `unavailable` (no network, the server's answer), `corrupt` (cut short, other hash), `unwritable`;
 *   the signal's reason when it is aborted.
 */
export async function download(url: string, path: string, options: DownloadOptions): Promise<void> {
  const response = await request(url, path, options);
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.part`);
  let file: FileHandle | undefined;
  try {
    await keeping(path, mkdir(dirname(path), { recursive: true }));
    file = await keeping(path, open(temporary, 'wx'));
    await receive(response, file, path, options);
    await keeping(path, file.sync());
    await keeping(path, file.close());
    await keeping(path, rename(temporary, path));
  } catch (error) {
    await response.body?.cancel().catch(() => {});
    await file?.close().catch(() => {});
    if (file) await unlink(temporary).catch(() => {});
    throw error;
  }
}

async function request(url: string, path: string, { fetch, signal }: DownloadOptions): Promise<Response> {
  signal?.throwIfAborted();
  const response = await fetch(url, { headers: { 'accept-encoding': 'identity' }, ...(signal && { signal }) }).catch(
    (cause) => {
      signal?.throwIfAborted();
      throw failure('unavailable', path, `${new URL(url).host} cannot be reached: ${reasonOf(cause)}`, cause);
    },
  );
  const lessSafe = url.startsWith('https:') && !response.url.startsWith('https:');
  if (response.ok && response.body && !lessSafe) return response;
  await response.body?.cancel();
  const problem = lessSafe
    ? `${url} leads to ${response.url}, which is not encrypted`
    : `${url} answered ${response.status} ${response.statusText}`.trimEnd();
  throw failure('unavailable', path, problem);
}

/** Writes the body to `file`, and checks its length and hash. */
async function receive(response: Response, file: FileHandle, path: string, options: DownloadOptions): Promise<void> {
  const total = lengthOf(response);
  const hash = createHash('sha256');
  let done = 0;
  for await (const part of brokenConnections(response, path, options.signal, () => done)) {
    hash.update(part);
    await keeping(path, file.writeFile(part));
    done += part.length;
    options.onProgress?.(done, total);
  }
  if (total !== undefined && done !== total) {
    throw failure('corrupt', path, `${response.url} should have ${bytes(total)}, but ${bytes(done)} came`);
  }
  const digest = hash.digest('hex');
  if (options.sha256 !== null && !digest.startsWith(options.sha256)) {
    const problem = `what ${response.url} sends is not the published file: its SHA-256 should begin with ${options.sha256}, but is ${digest}`;
    throw failure('corrupt', path, problem);
  }
}

/** The parts of a body, with errors that say how far it came. */
async function* brokenConnections(
  response: Response,
  path: string,
  signal: AbortSignal | undefined,
  done: () => number,
): AsyncGenerator<Uint8Array> {
  try {
    yield* response.body as ReadableStream<Uint8Array>;
  } catch (cause) {
    signal?.throwIfAborted();
    const total = lengthOf(response);
    const reached = total === undefined ? bytes(done()) : `${done().toLocaleString('en-US')} of ${bytes(total)}`;
    const problem = `the connection to ${new URL(response.url).host} broke after ${reached}: ${reasonOf(cause)}`;
    throw failure('unavailable', path, problem, cause);
  }
}

/** What the server announced, unless it packs the body, when the length is that of the packed one. */
function lengthOf(response: Response): number | undefined {
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  return Number.isSafeInteger(length) && !response.headers.get('content-encoding') ? length : undefined;
}

async function keeping<T>(path: string, work: Promise<T>): Promise<T> {
  return work.catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'ENOSPC' ? 'no space left on the disk' : cause.message;
    throw failure('unwritable', path, `it cannot be kept in ${dirname(path)}: ${reason}`, cause);
  });
}

/** fetch says only "fetch failed"; the reason is behind it, and where several addresses were tried it has only a code. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause as NodeJS.ErrnoException | undefined;
  return cause?.message || cause?.code || error.message;
}

function bytes(count: number): string {
  return `${count.toLocaleString('en-US')} bytes`;
}

function failure(code: WeightsErrorCode, path: string, problem: string, cause?: unknown): WeightsError {
  return new WeightsError({ code, file: basename(path), problem }, cause);
}
