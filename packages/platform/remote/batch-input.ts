import { realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { patternOf } from '../endpoints/batch/input-place.ts';
import { listInput } from '../endpoints/batch/list-input.ts';
import { invalid } from '../refusal.ts';
import { type ToSend, toSend } from './sent-files.ts';

/** What is scored, as files to send; a pattern is that of the files below `path` that are meant. */
export type BatchInput = ToSend & { readonly pattern?: string };

/**
 * Finds the pictures that an input means on this machine: a folder, a pattern, a picture, or a table with the pictures that it names.
 * @throws Refusal when there are none, or a table names pictures in a way that means nothing elsewhere; IssuesError for a table that cannot be
 * read
 */
export async function batchInput(input: string, baseFolder: string): Promise<BatchInput> {
  const named = /^file:/i.test(input) ? fileURLToPath(input) : input;
  const glob = await patternOf(named, { baseFolder: resolve(baseFolder) });
  if (glob) {
    const { pattern } = glob;
    const folder = await realpath(glob.folder).catch(() => glob.folder);
    const files = await filesOf({ path: folder, pattern, confined: false });
    return {
      root: dirname(folder),
      path: basename(folder),
      files: files.map(({ path }) => path).sort(),
      instead: new Map(),
      pattern,
    };
  }
  // Pictures are named by what links lead to.
  const path = await realpath(resolve(baseFolder, named)).catch(() => null);
  if (path === null) throw invalid(`the input ${input} is not there`, 'input', 'InputNotFound');
  const files = await filesOf({ path, pattern: null, confined: false });
  const odd = files.find(({ name }) => isAbsolute(name) || /^file:/i.test(name));
  if (odd) {
    const hint = 'a table that is sent to a server names its pictures by paths from its own folder';
    throw invalid(`${odd.name} is no such path: ${hint}`, 'input');
  }
  return toSend(
    path,
    files.map((file) => file.path),
  );
}

async function filesOf(place: Parameters<typeof listInput>[0]): Promise<{ name: string; path: string }[]> {
  const files: { name: string; path: string }[] = [];
  for await (const { name, source } of listInput(place)) {
    if (source.kind === 'file') files.push({ name, path: source.path });
  }
  return files;
}
