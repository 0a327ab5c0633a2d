import { constants } from 'node:fs';
import { access, mkdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import type { Place } from '../../place.ts';
import { invalid, Refusal } from '../../refusal.ts';
import { parseAssetReference } from '../../registry/asset-reference.ts';
import { dataSpecOf } from '../../registry/asset-spec.ts';
import { datastorePlace, type LocateOptions, locate } from '../../registry/locate.ts';
import type { Store } from '../../store/index.ts';

/** Where the pictures are that an input means. */
export interface InputPlace {
  /** Absolute: a folder, a file, or the folder that the pattern begins in. */
  readonly path: string;
  /** For paths below it; null: all of it. */
  readonly pattern: string | null;
  /** Only what lies in there may be read, whatever links and tables say. */
  readonly confined: boolean;
  /** Absolute: the same of a folder around it. */
  readonly within?: string;
}

/**
 * Finds what an input means: a path, a pattern (`pictures/*.jpg`), `azureml:name:version`, `azureml://datastores/…`, `file:…`.
 * @throws Refusal for what is not there, cannot be read, or is not for who asks
 */
export async function inputPlace(
  place: Pick<Place, 'folder'>,
  store: Store,
  input: string,
  where: LocateOptions,
): Promise<InputPlace> {
  const confinement = { confined: !where.anywhere, ...(where.within !== undefined && { within: where.within }) };
  const reference = parseAssetReference(input);
  if (reference) {
    const row = await store.assets.find('data', reference.name, reference.version);
    if (!row)
      throw new Refusal('not-found', 'DataNotFound', `there is no data ${input}; fovea data list shows what there is`);
    const { location } = dataSpecOf(row);
    await requireThere(location, input);
    return { path: location, pattern: null, ...confinement };
  }
  const glob = await patternOf(input, where);
  if (glob) {
    const { path } = await locate(place, store, glob.folder, where);
    await requireThere(path, glob.folder);
    return { path, pattern: glob.pattern, ...confinement };
  }
  const { path } = await locate(place, store, input, where);
  await requireThere(path, input);
  return { path, pattern: null, ...confinement };
}

/** A text with signs of a pattern, unless there is a file of that name: the folder that it begins in, and the rest. */
export async function patternOf(
  input: string,
  { baseFolder }: Pick<LocateOptions, 'baseFolder'>,
): Promise<{ folder: string; pattern: string } | null> {
  if (/^[a-z][a-z0-9+.-]+:/i.test(input) || !/[*?[{]/.test(input)) return null;
  if (!isAbsolute(input) && baseFolder === null) return null;
  const whole = resolve(baseFolder ?? '/', input);
  if (await stat(whole).catch(() => null)) return null;
  const parts = whole.split('/');
  const first = parts.findIndex((part) => /[*?[{]/.test(part));
  return { folder: parts.slice(0, first).join('/') || '/', pattern: parts.slice(first).join('/') };
}

async function requireThere(path: string, named: string): Promise<void> {
  if (await stat(path).catch(() => null)) return;
  throw invalid(
    `the input ${named} is not there${path === named ? '' : ` (looked at ${path})`}`,
    'input',
    'InputNotFound',
  );
}

/**
 * The folder that results go to besides, made where it is not there, and the name that their table has in it.
 * @param output a folder, or a file with the ending .csv or .jsonl
 * @throws Refusal for what is not for who asks, or cannot be written to
 */
export async function outputPlace(
  place: Pick<Place, 'folder'>,
  store: Store,
  output: string,
  where: LocateOptions,
): Promise<{ folder: string; fileName: string | null }> {
  const wanted = await outputPath(place, store, output, where);
  const isFile = /\.(csv|jsonl)$/i.test(wanted);
  const folder = isFile ? dirname(wanted) : wanted;
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (error) {
    throw invalid(`the output ${output} cannot be written to: ${(error as Error).message}`, 'output');
  }
  return { folder, fileName: isFile ? basename(wanted) : null };
}

async function outputPath(
  place: Pick<Place, 'folder'>,
  store: Store,
  output: string,
  where: LocateOptions,
): Promise<string> {
  const datastore = datastorePlace(place, output);
  if (datastore === null) return (await locate(place, store, output, where)).path;
  const path = join(datastore.folder, datastore.path);
  const isInside = path === datastore.folder || path.startsWith(join(datastore.folder, '/'));
  await mkdir(datastore.folder, { recursive: true });
  // Links are not followed out of it: the nearest folder that is there has to lie in it.
  let near = path;
  while (isInside && near !== datastore.folder && (await realpath(near).catch(() => null)) === null)
    near = dirname(near);
  const [root, real] = [await realpath(datastore.folder), await realpath(near).catch(() => '')];
  if (isInside && (real === root || real.startsWith(join(root, '/')))) return path;
  throw invalid(`the output ${output} lies outside of its datastore`, 'output');
}
