import { type Dirent, globSync } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, sep } from 'node:path';
import { invalid } from '../../refusal.ts';
import type { InputItem } from './input-item.ts';
import type { InputPlace } from './input-place.ts';
import { itemsOfTable } from './table-input.ts';

/**
 * All pictures of an input, in an order that depends on nothing but their names: of a folder those below it, by path; those that fit a
 * pattern; the rows of a table (JSONL, CSV, or a folder with an MLTable); or one file.
 *
 * @throws Refusal when there are none, IssuesError for a table that cannot be read
 */
export async function* listInput(input: InputPlace): AsyncGenerator<InputItem> {
  const { isImageName, isTableFile } = await import('@fovea/data');
  const root = await realpath(input.path);
  const isFolder = (await stat(root)).isDirectory();
  const around = input.within === undefined ? (isFolder ? root : dirname(root)) : await realpath(input.within);
  const inside = confinement(input.confined ? around : null);
  let count = 0;
  const counted = (item: InputItem): InputItem => {
    count++;
    return item;
  };

  if (input.pattern !== null) {
    const found = globSync(input.pattern, { cwd: root }).sort(byCodeUnits);
    for (const name of found) {
      const path = join(root, name);
      if ((await stat(path).catch(() => null))?.isFile() !== true) continue;
      yield counted(await fileItem(name, path, inside));
    }
    if (count === 0) throw none(`no file fits ${input.pattern} in ${input.path}`);
    return;
  }
  if (!isFolder) {
    if (isTableFile(root) || basename(root) === 'MLTable') {
      for await (const item of itemsOfTable(root, inside)) yield counted(item);
      if (count === 0) throw none(`${input.path} has no rows`);
    } else yield await fileItem(basename(input.path), root, inside);
    return;
  }
  const tables: string[] = [];
  if (await isThere(join(root, 'MLTable'))) tables.push(root);
  else {
    for await (const { name, path } of filesBelow(root)) {
      if (isImageName(name)) yield counted(await fileItem(name, path, inside));
      else if (isTableFile(name)) tables.push(path);
    }
    // Beside pictures a table says something about them.
    if (count > 0) return;
  }
  for (const table of tables) {
    for await (const item of itemsOfTable(table, inside)) yield counted(item);
  }
  if (count > 0) return;
  const what =
    'a picture is a file with an ending such as .jpg or .png; a table is .jsonl, .csv or a folder with an MLTable';
  throw none(`there are no pictures in ${input.path}; ${what}`);
}

const none = (message: string) => invalid(message, 'input', 'InputEmpty');

const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const isThere = async (path: string): Promise<boolean> => (await stat(path).catch(() => null)) !== null;

/** Whether a file may be read. */
export type Inside = (path: string) => Promise<boolean>;

function confinement(root: string | null): Inside {
  if (root === null) return async () => true;
  const lead = root.endsWith(sep) ? root : root + sep;
  return async (path) => (await realpath(path).catch(() => '')).startsWith(lead);
}

/** A file as it is now: should it be another when it is scored, that is said. */
export async function fileItem(name: string, path: string, inside: Inside): Promise<InputItem> {
  const shown = name.replaceAll(sep, '/');
  if (!(await inside(path))) return { name: shown, source: { kind: 'fault', message: 'it lies outside of the input' } };
  try {
    const found = await stat(path);
    if (!found.isFile()) return { name: shown, source: { kind: 'fault', message: 'it is no regular file' } };
    const { size, mtimeMs } = found;
    return { name: shown, source: { kind: 'file', path, bytes: size, modified: mtimeMs } };
  } catch (error) {
    return { name: shown, source: { kind: 'fault', message: `it cannot be read: ${(error as Error).message}` } };
  }
}

/** Left by systems and programs, never by people. */
const isClutter = (name: string): boolean => name.startsWith('.') || name.toLowerCase() === '__macosx';

/** Files below a folder, folder by folder, by name; links are followed, but not back up. */
async function* filesBelow(
  folder: string,
  lead = '',
  above: ReadonlySet<string> = new Set(),
): AsyncGenerator<{ name: string; path: string }> {
  const real = await realpath(folder);
  if (above.has(real)) return;
  const entries = (await readdir(folder, { withFileTypes: true })).sort((a, b) => byCodeUnits(a.name, b.name));
  for (const entry of entries) {
    if (isClutter(entry.name)) continue;
    const path = join(folder, entry.name);
    const kind = await kindOf(entry, path);
    if (kind === 'folder') yield* filesBelow(path, `${lead}${entry.name}/`, new Set([...above, real]));
    else if (kind === 'file' || extname(entry.name) !== '') yield { name: `${lead}${entry.name}`, path };
  }
}

async function kindOf(entry: Dirent, path: string): Promise<'file' | 'folder' | 'other'> {
  if (entry.isDirectory()) return 'folder';
  if (entry.isFile()) return 'file';
  if (!entry.isSymbolicLink()) return 'other';
  const found = await stat(path).catch(() => null);
  return found?.isDirectory() ? 'folder' : found?.isFile() ? 'file' : 'other';
}
