import { stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { Place } from '../../place.ts';
import { invalid, Refusal } from '../../refusal.ts';
import { parseAssetReference } from '../../registry/asset-reference.ts';
import { dataSpecOf } from '../../registry/asset-spec.ts';
import { type LocateOptions, locate } from '../../registry/locate.ts';
import type { Store } from '../../store/index.ts';

/** Where the pictures are that an input means. */
export interface InputPlace {
  /** Absolute: a folder, a file, or the folder that the pattern begins in. */
  readonly path: string;
  /** For paths below it; null: all of it. */
  readonly pattern: string | null;
  /** Only what lies in there may be read, whatever links and tables say. */
  readonly confined: boolean;
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
  const confined = !where.anywhere;
  const reference = parseAssetReference(input);
  if (reference) {
    const row = await store.assets.find('data', reference.name, reference.version);
    if (!row)
      throw new Refusal('not-found', 'DataNotFound', `there is no data ${input}; fovea data list shows what there is`);
    const { location } = dataSpecOf(row);
    await requireThere(location, input);
    return { path: location, pattern: null, confined };
  }
  const glob = await patternOf(input, where);
  if (glob) {
    const { path } = await locate(place, store, glob.folder, where);
    await requireThere(path, glob.folder);
    return { path, pattern: glob.pattern, confined };
  }
  const { path } = await locate(place, store, input, where);
  await requireThere(path, input);
  return { path, pattern: null, confined };
}

/** A text with signs of a pattern, unless there is a file of that name. */
async function patternOf(
  input: string,
  { baseFolder }: LocateOptions,
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
 * The folder that results go to besides, and the name that their CSV has there.
 * @param output a folder, or a file with the ending .csv or .jsonl
 * @throws Refusal for what is not for who asks, or cannot be written to
 */
export async function outputPlace(
  place: Pick<Place, 'folder'>,
  store: Store,
  output: string,
  where: LocateOptions,
): Promise<{ folder: string; fileName: string | null }> {
  const isFile = /\.(csv|jsonl)$/i.test(output);
  const trimmed = output.replace(/(?<=.)\/+$/, '');
  // What is below a folder that is there may be made; what the folder is, is for `locate` to judge.
  const cut = (isFile ? trimmed : `${trimmed}/`).lastIndexOf('/');
  const fileName = isFile ? trimmed.slice(cut + 1) : null;
  const missing: string[] = [];
  let folder = isFile ? (cut < 0 ? '.' : trimmed.slice(0, cut)) : trimmed;
  for (;;) {
    try {
      const { path } = await locate(place, store, folder, where);
      const target = join(path, ...missing);
      const found = await stat(target).catch(() => null);
      if (found && !found.isDirectory()) throw invalid(`the output ${target} is a file, and not a folder`, 'output');
      return { folder: target, fileName };
    } catch (error) {
      const name = /([^/]+)$/.exec(folder)?.[1];
      const isMissing = error instanceof Refusal && error.code === 'PathNotFound';
      // A datastore's folder is made with the first thing that is put into it.
      if (
        !isMissing ||
        name === undefined ||
        name === '..' ||
        missing.length > 32 ||
        /\/paths$/.test(dirname(folder))
      ) {
        throw error;
      }
      missing.unshift(decodeURIComponent(name));
      folder = dirname(folder);
    }
  }
}
