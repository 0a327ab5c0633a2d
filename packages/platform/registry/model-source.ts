import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Place } from '../place.ts';
import { invalid, Refusal } from '../refusal.ts';
import { ended, type Store } from '../store/index.ts';
import { archiveRefused } from './archive/archive-entry.ts';
import { archiveFormat, innermostFolder, unpackArchive } from './archive/unpack-archive.ts';
import { assetNotFound, contentHashOf } from './asset-absence.ts';
import { parseAssetReference } from './asset-reference.ts';
import { modelSpecOf } from './asset-spec.ts';
import { keptFolderOf, newFolder } from './content.ts';
import { type LocateOptions, locate } from './locate.ts';
import type { ModelType } from './model-kind.ts';

/** The files of a model that is to be registered, for as long as that takes. */
export interface ModelSource extends AsyncDisposable {
  readonly path: string;
  readonly isFile: boolean;
  /** Nobody changes them in place. */
  readonly mayLink: boolean;
  readonly job: string | null;
  readonly trial: string | null;
  /** null: that of the job. */
  readonly data: string[] | null;
  /** An error about the files, in words of where they came from. */
  reworded(error: unknown): unknown;
}

type Found = Omit<ModelSource, 'reworded' | keyof AsyncDisposable>;

/**
 * Where the files of a model come from: those of another version, or what an address means. An archive of an MLflow model is unpacked.
 * @throws Refusal for what is not there, and for an archive that is not safe or has no model
 */
export async function modelSource(
  place: Pick<Place, 'folder'>,
  store: Store,
  { path, type }: { readonly path: string; readonly type: ModelType },
  where: LocateOptions,
): Promise<ModelSource> {
  const found = await findFiles(place, store, path, where);
  if (found.isFile && type === 'mlflow_model') return unpacked(place, found);
  return { ...found, reworded: (error) => error, [Symbol.asyncDispose]: async () => {} };
}

async function findFiles(
  place: Pick<Place, 'folder'>,
  store: Store,
  path: string,
  where: LocateOptions,
): Promise<Found> {
  const reference = parseAssetReference(path);
  if (reference) {
    const row = await store.assets.find('model', reference.name, reference.version);
    if (!row) throw assetNotFound('model', reference.name, reference.version);
    const { file, trial } = modelSpecOf(row);
    const folder = keptFolderOf(place, contentHashOf(row));
    return {
      ...{ path: file === null ? folder : join(folder, file), isFile: file !== null, mayLink: true },
      ...{ job: row.job, trial, data: row.data },
    };
  }
  const { path: found, trial } = await locate(place, store, path, where);
  if (trial && !(ended as readonly string[]).includes(trial.status)) {
    throw new Refusal(
      'conflict',
      'TrialNotEnded',
      `${trial.name} is ${trial.status}; its model is there when it has ended`,
    );
  }
  return {
    path: found,
    isFile: (await stat(found).catch(() => null))?.isFile() === true,
    mayLink: trial !== null,
    job: trial?.job ?? null,
    trial: trial?.name ?? null,
    data: null,
  };
}

/** The model in an archive, in a folder of the workspace that lasts as long as its files are looked at and kept. */
async function unpacked(place: Pick<Place, 'folder'>, archive: Found): Promise<ModelSource> {
  const format = await archiveFormat(archive.path);
  if (format === null) {
    const forms = 'the folder with its file MLmodel, or that folder packed as .zip, .tar or .tar.gz';
    throw invalid(`${archive.path} is no mlflow_model, and no archive that could hold one; give ${forms}`, 'path');
  }
  const temporary = await newFolder(place);
  const remove = () => rm(temporary, { recursive: true, force: true });
  try {
    await unpackArchive(archive.path, format, temporary);
    const { folder, entries } = await innermostFolder(temporary);
    if (!entries.includes('MLmodel')) {
      const has =
        entries.length === 0 ? 'nothing' : `${entries.slice(0, 5).join(', ')}${entries.length > 5 ? ', …' : ''}`;
      throw archiveRefused(
        archive.path,
        `it has no file MLmodel at its top or in its one folder, where there is ${has}`,
      );
    }
    return {
      ...archive,
      ...{ path: folder, isFile: false, mayLink: true },
      reworded(error) {
        if (!(error instanceof Refusal)) return error;
        const { reason, code, target, details, cause } = error;
        const message = error.message.replaceAll(folder, archive.path);
        return new Refusal(reason, code, message, { target, details, cause });
      },
      [Symbol.asyncDispose]: remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
