import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { invalid } from '../refusal.ts';
import { hashOfFile } from '../registry/content.ts';
import type { UploadFile } from '../wire/protocol.ts';
import { isRelativePath } from '../wire/relative-path.ts';

/** A file that is to be sent. */
export interface SentFile extends UploadFile {
  /** Where it is, or what it has. */
  readonly from: string | Buffer;
}

/** What is to be sent, before it has been read. */
export interface ToSend {
  /** Absolute: the folder that paths in the upload are relative to. */
  readonly root: string;
  /** Of the file or folder that is meant, in the upload. */
  readonly path: string;
  /** Absolute. */
  readonly files: readonly string[];
  /** What some of them are to have instead of what they have. */
  readonly instead: ReadonlyMap<string, Buffer>;
}

/**
 * What a path stands for: a file; or a folder with all that is in it, but for what is hidden.
 * @param others files elsewhere that belong to it; what they all have above them becomes the root
 * @throws Refusal when it is not there, or has nothing in it
 */
export async function toSend(
  path: string,
  others: Iterable<string> = [],
  instead: ReadonlyMap<string, Buffer> = new Map(),
): Promise<ToSend> {
  const target = resolve(path);
  const found = await stat(target).catch(() => null);
  if (found === null) throw invalid(`${path} is not there`, 'path', 'PathNotFound');
  const files = new Set<string>(found.isFile() ? [target] : await filesBelow(target));
  let root = dirname(target);
  for (const other of others) {
    files.add(other);
    while (!isBelow(root, other)) root = dirname(root);
  }
  if (files.size === 0) throw invalid(`${path} has no files`, 'path');
  return { root, path: pathIn(root, target), files: [...files].sort(), instead };
}

const isBelow = (folder: string, path: string): boolean =>
  path.startsWith(folder.endsWith(sep) ? folder : folder + sep);

/** @throws Refusal for a name that a list of files cannot hold */
function pathIn(root: string, file: string): string {
  const path = relative(root, file).replaceAll(sep, '/');
  if (isRelativePath(path)) return path;
  throw invalid(`${JSON.stringify(file)} has a name that cannot be sent to a server`, 'path');
}

async function filesBelow(folder: string): Promise<string[]> {
  const files: string[] = [];
  const look = async (where: string): Promise<void> => {
    for (const entry of await readdir(where, { withFileTypes: true })) {
      const path = join(where, entry.name);
      if (entry.name.startsWith('.')) continue;
      if (entry.isDirectory()) await look(path);
      // Of links the file that they lead to; a folder behind one may lead back here.
      else if (entry.isFile() || (entry.isSymbolicLink() && (await stat(path).catch(() => null))?.isFile()))
        files.push(path);
    }
  };
  await look(folder);
  return files;
}

/** Reads what is to be sent. @param onFile is told how many files have been read, of how many */
export async function readToSend(
  { root, files, instead }: ToSend,
  { onFile = () => {}, signal }: { onFile?: (done: number, total: number) => void; signal?: AbortSignal | undefined },
): Promise<SentFile[]> {
  const sent: SentFile[] = [];
  for (const file of files) {
    signal?.throwIfAborted();
    const path = pathIn(root, file);
    const content = instead.get(file);
    sent.push(
      content === undefined
        ? { path, bytes: (await stat(file)).size, sha256: await hashOfFile(file), from: file }
        : { path, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex'), from: content },
    );
    onFile(sent.length, files.length);
  }
  return sent;
}
