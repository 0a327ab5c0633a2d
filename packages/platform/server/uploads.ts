import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import {
  chmod,
  copyFile,
  link,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Place } from '../place.ts';
import { invalid, Refusal } from '../refusal.ts';
import { datastoreFolder, defaultDatastore } from '../registry/locate.ts';
import type { UploadAnswer, UploadedPath } from '../wire/protocol.ts';
import { isRelativePath, isSha256 } from '../wire/relative-path.ts';
import { isObject } from './requests.ts';
import { readPieces, writePiece } from './upload-content.ts';
import { type UploadLimits, type UploadList, uploadList } from './upload-list.ts';

/**
 * Files that come from other machines. A list of them with their hashes comes first; then what the workspace does not have of their
 * content, in pieces, of which those that came stay when a connection breaks; at last the files are put together. What nobody put together
 * is removed after a day.
 */
export interface Uploads {
  /** Takes the list of the files. @throws Refusal for one that cannot be, is too much, or has no room on the disk */
  begin(files: unknown, who: string): Promise<UploadAnswer>;
  /** What is still missing. @throws Refusal when there is no such upload */
  progress(id: string, who: string): Promise<UploadAnswer>;
  /** Takes pieces of its files. @throws Refusal for what is not of them, or not what its hash says */
  receive(id: string, who: string, body: ReadableStream<Uint8Array> | null): Promise<void>;
  /**
   * Puts the files together, for good, in the datastore of the workspace.
   * @param work is given the file or folder that is meant; what it throws speaks of it as it was given
   * @throws Refusal when it is none of the upload, or not all has come
   */
  keep<T>(path: UploadedPath, work: (path: string) => Promise<T>): Promise<T>;
  /** The same for as long as `work` takes. */
  during<T>(path: UploadedPath, work: (path: string) => Promise<T>): Promise<T>;
}

const day = 24 * 60 * 60 * 1000;
const hour = 60 * 60 * 1000;
/** So much of the disk uploads leave free. */
const reserve = 256 << 20;
const begun = '.new-';

export function createUploads(place: Pick<Place, 'folder'>, limits: UploadLimits): Uploads {
  const folder = join(place.folder, 'uploads');
  const lists = join(folder, 'lists');
  const parts = join(folder, 'parts');
  const trees = join(folder, 'trees');
  const kept = join(datastoreFolder(place, defaultDatastore), 'LocalUpload');
  const contentOf = (sha256: string) => join(folder, 'content', sha256.slice(0, 2), sha256);
  /** Of each person apart: what one sends wrongly does not come in another's way. */
  const partOf = (who: string, sha256: string) => join(parts, who, sha256);
  const arriving = new Set<string>();
  const known = new Map<string, UploadList>();
  let cleared = Number.NEGATIVE_INFINITY;

  const listOf = async (id: string): Promise<UploadList> => {
    const remembered = known.get(id);
    if (remembered) return remembered;
    const text = isSha256(id) ? await readFile(join(lists, `${id}.json`), 'utf8').catch(() => null) : null;
    if (text === null)
      throw new Refusal('not-found', 'UploadNotFound', 'there is no such upload; it begins with a list');
    return remember(JSON.parse(text));
  };
  const remember = (list: UploadList): UploadList => {
    known.set(list.id, list);
    for (const id of known.keys()) if (known.size > 4) known.delete(id);
    return list;
  };

  const missingOf = async ({ id, files }: UploadList, who: string): Promise<UploadAnswer> => {
    const missing: { sha256: string; have: number }[] = [];
    const now = new Date();
    for (const sha256 of new Set(files.map((file) => file.sha256))) {
      // What is used now is not old.
      const isThere = await utimes(contentOf(sha256), now, now).then(yes, no);
      if (isThere) continue;
      missing.push({ sha256, have: (await stat(partOf(who, sha256)).catch(() => null))?.size ?? 0 });
    }
    return { id, missing };
  };

  const requireRoom = async ({ files }: UploadList, { missing }: UploadAnswer): Promise<void> => {
    const sizes = new Map(files.map(({ sha256, bytes }) => [sha256, bytes]));
    const needed = missing.reduce((sum, { sha256, have }) => sum + (sizes.get(sha256) ?? 0) - have, 0);
    const { bavail, bsize } = await statfs(folder);
    const free = Math.max(0, bavail * bsize - reserve);
    if (needed <= free) return;
    const message = `${megabytes(needed)} MB are to come, and there is room for ${megabytes(free)} MB where the workspace is`;
    throw new Refusal('busy', 'InsufficientStorage', message);
  };

  /** Puts the files of an upload into a folder, under their names. */
  const arrange = async ({ files }: UploadList, into: string): Promise<void> => {
    const made = new Set<string>();
    for (const { path, sha256 } of files) {
      const to = join(into, path);
      if (!made.has(dirname(to))) await mkdir(dirname(to), { recursive: true });
      made.add(dirname(to));
      await shareContent(contentOf(sha256), to);
    }
  };

  const placed = (list: UploadList, { path }: UploadedPath): string => {
    const isOfIt = list.files.some((file) => file.path === path || file.path.startsWith(`${path}/`));
    if (isOfIt) return path;
    throw invalid(`${JSON.stringify(path)} is not in the upload`, 'path', 'PathNotFound');
  };

  const clear = async (): Promise<void> => {
    if (performance.now() - cleared < hour) return;
    cleared = performance.now();
    await clearOld(folder, kept);
  };

  return {
    async begin(given, who) {
      const list = uploadList(given, limits);
      await mkdir(lists, { recursive: true });
      await clear();
      const answer = await missingOf(list, who);
      await requireRoom(list, answer);
      const temporary = join(lists, `${begun}${randomBytes(8).toString('hex')}`);
      await writeFile(temporary, JSON.stringify(list));
      await rename(temporary, join(lists, `${list.id}.json`));
      remember(list);
      return answer;
    },

    async progress(id, who) {
      const list = await listOf(id);
      const now = new Date();
      await utimes(join(lists, `${id}.json`), now, now).catch(() => {});
      return missingOf(list, who);
    },

    async receive(id, who, body) {
      const { files } = await listOf(id);
      const sizes = new Map(files.map(({ sha256, bytes }) => [sha256, bytes]));
      await mkdir(join(parts, who), { recursive: true });
      await readPieces(body, {
        async begin(piece) {
          const total = sizes.get(piece.sha256);
          if (total === undefined)
            throw invalid('this is content of no file of the upload', undefined, 'InvalidUpload');
          const file = partOf(who, piece.sha256);
          if (arriving.has(file))
            throw new Refusal('conflict', 'UploadOffset', 'this content is arriving over another connection, too');
          arriving.add(file);
          try {
            const writer = await writePiece(file, piece, total, async () => {
              await chmod(file, 0o444);
              const to = contentOf(piece.sha256);
              await mkdir(dirname(to), { recursive: true });
              await rename(file, to);
            });
            return { ...writer, end: (whole) => writer.end(whole).finally(() => arriving.delete(file)) };
          } catch (error) {
            arriving.delete(file);
            throw error;
          }
        },
      });
    },

    async keep(path, work) {
      const list = await listOf(path.upload);
      const below = placed(list, path);
      const to = join(kept, list.id);
      if ((await stat(to).catch(() => null)) === null) {
        const temporary = join(kept, `${begun}${randomBytes(8).toString('hex')}`);
        try {
          await arrange(list, temporary);
          await rename(temporary, to).catch((error: NodeJS.ErrnoException) => {
            if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
          });
        } finally {
          await rm(temporary, { recursive: true, force: true });
        }
      }
      return reworded(join(to, below), path.given, work);
    },

    async during(path, work) {
      const list = await listOf(path.upload);
      const below = placed(list, path);
      const temporary = join(trees, `${begun}${randomBytes(8).toString('hex')}`);
      try {
        await arrange(list, temporary);
        return await reworded(join(temporary, below), path.given, work);
      } finally {
        await rm(temporary, { recursive: true, force: true });
      }
    },
  };
}

/** What a request says of an uploaded path. @throws Refusal for what is none */
export function uploadedPath(value: unknown, target: string): UploadedPath {
  const { upload, path, given } = isObject(value) ? value : {};
  if (isSha256(upload) && isRelativePath(path) && typeof given === 'string' && given.length <= 4096)
    return { upload, path, given };
  throw invalid(`${target} should name a path in an upload`, target);
}

/** Nobody knows a path of the server's machine who has given one of another. */
async function reworded<T>(path: string, given: string, work: (path: string) => Promise<T>): Promise<T> {
  try {
    return await work(path);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { reason, code, message, target, details } = error;
    throw new Refusal(reason, code, message.replaceAll(path, given), { target, details, cause: error });
  }
}

const yes = () => true;
const no = () => false;
const megabytes = (bytes: number) => Math.ceil(bytes / 1e6).toLocaleString('en');

/** Content is one file under several names where that can be; its names tell whether anybody uses it. */
async function shareContent(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      throw new Refusal('conflict', 'UploadIncomplete', 'not all files of the upload have come', { cause: error });
    }
    if (code === 'ENOSPC' || code === 'EDQUOT') throw error;
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  }
}

/** Removes what has not been used for a day: lists, what came of files, files that nothing uses, what was being put together. */
async function clearOld(folder: string, kept: string): Promise<void> {
  const before = Date.now() - day;
  const clearIn = async (
    where: string,
    isOld: (found: { mtimeMs: number; nlink: number }, name: string) => boolean,
  ) => {
    for (const name of await readdir(where).catch((): string[] => [])) {
      const path = join(where, name);
      const found = await stat(path).catch(() => null);
      if (found && found.mtimeMs < before && isOld(found, name)) await rm(path, { recursive: true, force: true });
    }
  };
  const below = async (where: string): Promise<string[]> =>
    (await readdir(where).catch((): string[] => [])).map((name) => join(where, name));
  await clearIn(join(folder, 'lists'), yes);
  await clearIn(join(folder, 'trees'), yes);
  await clearIn(kept, (_, name) => name.startsWith(begun));
  for (const who of await below(join(folder, 'parts'))) await clearIn(who, yes);
  for (const some of await below(join(folder, 'content'))) await clearIn(some, ({ nlink }) => nlink === 1);
}
