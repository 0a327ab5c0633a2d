import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Refusal } from '../refusal.ts';
import { hashOfFile } from '../registry/content.ts';
import type { UploadFile } from '../wire/protocol.ts';
import type { Connection } from './connection.ts';
import { ServerUnreachable, unreachable } from './unreachable.ts';

/** How often a file is asked for again of which nothing more has come. */
const attempts = 5;

/**
 * Fetches a file from a server, in place of one of that name. What has come of it stays beside it (`.<name>.<hash>.part`) when the
 * connection breaks, and is gone on with; a file that is there already and is the same is left alone.
 *
 * @param address what answers with the file whose `path` it is asked for
 * @throws ServerUnreachable when the server stays away, or what came is not what was listed; Refusal when there is no such file
 */
export async function fetchFile(
  connection: Connection,
  address: string,
  { path, bytes, sha256 }: UploadFile,
  to: string,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  if (await isSame(to, { bytes, sha256 })) return;
  await mkdir(dirname(to), { recursive: true });
  const part = join(dirname(to), `.${basename(to).slice(0, 100)}.${sha256.slice(0, 16)}.part`);
  let silent = 0;
  for (;;) {
    const before = await sizeOf(part);
    try {
      await fetchRest(connection, { address, path, bytes, signal }, part, before);
      break;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof ServerUnreachable) || !error.passing) throw error;
      silent = (await sizeOf(part)) > before ? 0 : silent + 1;
      if (silent >= attempts) throw error;
      await wait(200 * 2 ** silent, undefined, { signal });
    }
  }
  if ((await hashOfFile(part)) !== sha256) {
    await rm(part, { force: true });
    throw new ServerUnreachable(`${path} from ${connection.origin} is not what its hash says; try again`, {
      passing: false,
    });
  }
  await rename(part, to);
}

/** Whether a file is there and is what was listed. */
export async function isSame(file: string, { bytes, sha256 }: Pick<UploadFile, 'bytes' | 'sha256'>): Promise<boolean> {
  const there = await stat(file).catch(() => null);
  return there?.isFile() === true && there.size === bytes && (await hashOfFile(file)) === sha256;
}

async function fetchRest(
  connection: Connection,
  { address, path, bytes, signal }: { address: string; path: string; bytes: number; signal: AbortSignal | undefined },
  part: string,
  from: number,
): Promise<void> {
  if (from > bytes) await rm(part, { force: true });
  const start = from > bytes ? 0 : from;
  if (start === bytes && bytes > 0) return;
  const headers: Record<string, string> = start > 0 ? { range: `bytes=${start}-` } : {};
  const answer = await connection.open('GET', address, { query: { path }, headers, signal });
  const isRest = answer.statusCode === 206;
  const file = await open(part, isRest ? 'a' : 'w');
  let length = isRest ? start : 0;
  try {
    for await (const chunk of answer) {
      length += chunk.length;
      if (length > bytes) throw new ServerUnreachable(`${path} is longer than was listed`, { passing: false });
      await file.writeFile(chunk);
    }
  } catch (error) {
    if (error instanceof ServerUnreachable || error instanceof Refusal || isOfDisk(error)) throw error;
    throw unreachable(connection.origin, error as NodeJS.ErrnoException);
  } finally {
    await file.close();
    answer.destroy();
  }
  if (length < bytes) throw new ServerUnreachable(`${connection.origin} ended the connection`, { passing: true });
}

/** What this machine's own disk says. */
const isOfDisk = (error: unknown) =>
  ['ENOSPC', 'EDQUOT', 'EIO', 'EACCES', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '');

const sizeOf = async (path: string): Promise<number> => (await stat(path).catch(() => null))?.size ?? 0;
