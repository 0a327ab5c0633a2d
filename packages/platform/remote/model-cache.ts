import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { UploadFile } from '../wire/protocol.ts';
import { isRelativePath, isSha256 } from '../wire/relative-path.ts';
import type { Connection } from './connection.ts';
import { fetchFile } from './fetch-file.ts';
import { ServerUnreachable } from './unreachable.ts';

/** A file of a model. */
export interface ModelFile extends UploadFile {
  /** How the server is asked for it, where that is not its path. */
  readonly from?: string;
}

/** Where models are that were fetched from servers; may be deleted at any time. */
const cacheFolder = (): string => join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'fovea', 'models');

/**
 * A folder on this machine with the files of a model of a server. They are fetched once: the folder is called by what is in it.
 * @param address what answers with the file whose `path` it is asked for
 * @throws ServerUnreachable for files that cannot be, or are not what was listed
 */
export async function cachedModel(
  connection: Connection,
  address: string,
  files: readonly ModelFile[],
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<string> {
  for (const { path, sha256 } of files) {
    if (isRelativePath(path) && isSha256(sha256)) continue;
    const message = `${connection.origin} names a file that cannot be: ${JSON.stringify(path)}`;
    throw new ServerUnreachable(message, { passing: false });
  }
  const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const hash = createHash('sha256');
  for (const { path, sha256 } of sorted) hash.update(`${sha256}  ${path}\n`);
  const folder = join(cacheFolder(), hash.digest('hex'));
  if ((await stat(folder).catch(() => null)) !== null) return folder;
  await mkdir(cacheFolder(), { recursive: true });
  const coming = await mkdtemp(`${folder}.`);
  try {
    for (const { from, ...file } of sorted) {
      await fetchFile(connection, address, { ...file, path: from ?? file.path }, join(coming, file.path), { signal });
    }
    await rename(coming, folder).catch((error: NodeJS.ErrnoException) => {
      // Another process was faster.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
    return folder;
  } finally {
    await rm(coming, { recursive: true, force: true });
  }
}
