import { createHash, randomBytes } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import {
  chmod,
  copyFile,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import type { Place } from '../place.ts';
import { invalid, Refusal } from '../refusal.ts';

/** A file of an asset. */
export interface ContentFile {
  /** Relative, with slashes. */
  readonly path: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** What an asset consists of. */
export interface Content {
  /** SHA-256 of the list of files as `sha256sum` writes it: the same files have the same hash, wherever they are. */
  readonly hash: string;
  readonly bytes: number;
  /** By path. */
  readonly files: readonly ContentFile[];
}

/** Only what is so large gets a second name instead of a copy: small files are those that people edit in place. */
const linkedBytes = 1 << 20;
const mostFiles = 1_000_000;

interface FoundFile {
  readonly path: string;
  /** Absolute; of a link what it leads to. */
  readonly from: string;
}

/**
 * The files of a folder, or a file as the only one.
 * @throws Refusal for what is not there, links that lead out of the folder, and what is neither a file nor a folder
 */
async function filesOf(root: string): Promise<FoundFile[]> {
  const found = await stat(root).catch(() => null);
  if (found === null) throw invalid(`${root} is not there`, 'path', 'PathNotFound');
  if (found.isFile()) return [{ path: basename(root), from: await realpath(root) }];
  if (!found.isDirectory()) throw invalid(`${root} is neither a file nor a folder`, 'path');
  const real = await realpath(root);
  const files: FoundFile[] = [];
  const refuse = (path: string, what: string): never => {
    throw invalid(`${path} ${what}`, 'path', 'UnsafeContent');
  };
  for (const entry of await readdir(real, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const whole = join(entry.parentPath, entry.name);
    const path = relative(real, whole).replaceAll(sep, '/');
    const from = entry.isSymbolicLink() ? await realpath(whole).catch(() => refuse(whole, 'leads nowhere')) : whole;
    if (!from.startsWith(real + sep)) refuse(whole, `leads out of the folder, to ${from}; copy the file into it`);
    if (!(await stat(from)).isFile()) refuse(whole, 'is not a file');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
    if (/[\u0000-\u001f\u007f\\]/.test(path))
      refuse(JSON.stringify(whole), 'has a name that lists of files cannot hold');
    files.push({ path, from });
    if (files.length > mostFiles) refuse(root, `has more than ${mostFiles.toLocaleString('en')} files`);
  }
  if (files.length === 0) refuse(root, 'has no files');
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Reads all files of a folder, or one file. @throws Refusal as it says why */
export async function readContent(root: string): Promise<Content> {
  const files: ContentFile[] = [];
  for (const { path, from } of await filesOf(root)) {
    files.push({ path, bytes: (await stat(from)).size, sha256: await hashOfFile(from) });
  }
  return contentOf(files);
}

function contentOf(files: readonly ContentFile[]): Content {
  const hash = createHash('sha256').update(sumsOf(files)).digest('hex');
  return { hash, files, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** As `sha256sum` writes it, so that `sha256sum --check` reads it. */
const sumsOf = (files: readonly ContentFile[]) => files.map(({ path, sha256 }) => `${sha256}  ${path}\n`).join('');

export async function hashOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest('hex');
}

/** Where content is kept, by its hash alone: no name of a user becomes a path. */
const folderOf = ({ folder }: Pick<Place, 'folder'>, hash: string) => {
  if (!/^[0-9a-f]{64}$/.test(hash)) throw new Error(`${hash} is no SHA-256`);
  return join(folder, 'artefacts', hash.slice(0, 2), hash);
};

/** The folder with the files of kept content. */
export const keptFolderOf = (place: Pick<Place, 'folder'>, hash: string): string =>
  join(folderOf(place, hash), 'content');

/**
 * Keeps the files of a folder (or a file) in the workspace. Where the file system can, they share their bytes with the original.
 * @param mayLink the files are a trial's, which nobody changes: large ones may be the same file under a second name
 */
export async function keepContent(place: Pick<Place, 'folder'>, root: string, mayLink: boolean): Promise<Content> {
  const found = await filesOf(root);
  const temporary = await newFolder(place);
  try {
    const files: ContentFile[] = [];
    for (const { path, from } of found) {
      const to = join(temporary, 'content', path);
      await mkdir(dirname(to), { recursive: true });
      await shareOrCopy(from, to, mayLink);
      files.push({ path, bytes: (await stat(to)).size, sha256: await hashOfFile(to) });
    }
    const content = contentOf(files);
    await writeFile(join(temporary, 'SHA256SUMS'), sumsOf(files), { flush: true });
    const to = folderOf(place, content.hash);
    await mkdir(dirname(to), { recursive: true });
    // Files of the same hash are there already: they stay.
    await rename(temporary, to).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
    return content;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** A folder where content becomes whole, for as long as that takes. */
export async function newFolder(place: Pick<Place, 'folder'>): Promise<string> {
  const artefacts = join(place.folder, 'artefacts');
  await clearLeftovers(artefacts);
  const folder = join(artefacts, `${begun}${randomBytes(8).toString('hex')}`);
  await mkdir(folder, { recursive: true });
  return folder;
}

const begun = '.new-';
const day = 24 * 60 * 60 * 1000;

/** Removes what a process left that was ended while it copied. */
async function clearLeftovers(artefacts: string): Promise<void> {
  for (const name of await readdir(artefacts).catch(() => [])) {
    if (!name.startsWith(begun)) continue;
    const folder = join(artefacts, name);
    const found = await stat(folder).catch(() => null);
    if (found && Date.now() - found.mtimeMs > day) await rm(folder, { recursive: true, force: true });
  }
}

/** The hashes of files that stay where they are; those of kept files are beside them. */
const sumsFileOf = (place: Pick<Place, 'folder'>, hash: string) => `${folderOf(place, hash)}.sums`;
const keptSumsOf = (place: Pick<Place, 'folder'>, hash: string) => join(folderOf(place, hash), 'SHA256SUMS');

/** Keeps what the files of a folder are, without the files. */
export async function keepSums(place: Pick<Place, 'folder'>, { hash, files }: Content): Promise<void> {
  const file = sumsFileOf(place, hash);
  await mkdir(dirname(file), { recursive: true });
  const temporary = `${file}.${randomBytes(8).toString('hex')}`;
  await writeFile(temporary, sumsOf(files), { flush: true });
  await rename(temporary, file);
}

async function shareOrCopy(from: string, to: string, mayLink: boolean): Promise<void> {
  const size = (await stat(from)).size;
  if (
    mayLink &&
    size >= linkedBytes &&
    (await link(from, to).then(
      () => true,
      () => false,
    ))
  )
    return;
  await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  await chmod(to, 0o444);
  // A version that is there has its files, whatever happens to the machine.
  const file = await open(to, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Hashes by path. @throws Refusal when they are not there, or are not what was kept */
async function readSums(file: string, hash: string): Promise<Map<string, string>> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null || createHash('sha256').update(text).digest('hex') !== hash) {
    throw new Refusal('conflict', 'ContentDamaged', `${file} is ${text === null ? 'not there' : 'not what was kept'}`);
  }
  return new Map(
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => [line.slice(66), line.slice(0, 64)]),
  );
}

/** The files of kept content. @throws Refusal when the list of them is damaged */
export async function keptFiles(place: Pick<Place, 'folder'>, hash: string): Promise<ContentFile[]> {
  const sums = await readSums(keptSumsOf(place, hash), hash);
  const sized = Array.from(sums, async ([path, sha256]): Promise<ContentFile> => {
    return { path, bytes: (await stat(join(keptFolderOf(place, hash), path))).size, sha256 };
  });
  return Promise.all(sized);
}

/**
 * Copies kept content to a folder, where people may change it.
 * @throws Refusal when a file is damaged, or there is one of its name already
 */
export async function copyContent(place: Pick<Place, 'folder'>, hash: string, to: string): Promise<void> {
  const sums = await readSums(keptSumsOf(place, hash), hash);
  for (const path of sums.keys()) {
    if ((await stat(join(to, path)).catch(() => null)) === null) continue;
    throw new Refusal('conflict', 'FileExists', `${join(to, path)} is there already; name another folder`);
  }
  for (const [path, sha256] of sums) {
    const target = join(to, path);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(join(keptFolderOf(place, hash), path), target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await chmod(target, 0o644);
    if ((await hashOfFile(target)) === sha256) continue;
    throw new Refusal('conflict', 'ContentDamaged', `${path} in ${keptFolderOf(place, hash)} is not what was kept`);
  }
}

/** What differs between a folder (or file) and the sums that were kept of it at a time; a file that has not been written since is not read. */
export async function differences(
  place: Pick<Place, 'folder'>,
  hash: string,
  root: string,
  since: Date,
): Promise<{ changed: string[]; added: string[]; gone: string[] }> {
  const sums = await readSums(sumsFileOf(place, hash), hash);
  const [changed, added, seen]: [string[], string[], Set<string>] = [[], [], new Set()];
  for (const { path, from } of await filesOf(root)) {
    const sha256 = sums.get(path);
    seen.add(path);
    if (sha256 === undefined) added.push(path);
    else if ((await stat(from)).ctimeMs >= since.getTime() - 2000 && (await hashOfFile(from)) !== sha256)
      changed.push(path);
  }
  return { changed, added, gone: [...sums.keys()].filter((path) => !seen.has(path)) };
}

/** Removes kept content, or the hashes of files that stay where they are. */
export async function forgetContent(place: Pick<Place, 'folder'>, hash: string, what: 'files' | 'sums'): Promise<void> {
  await rm(what === 'files' ? folderOf(place, hash) : sumsFileOf(place, hash), { recursive: true, force: true });
}
