import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Place, placeOf } from '../place.ts';
import { invalid, Refusal } from '../refusal.ts';
import {
  type Archived,
  type AssetKind,
  type AssetRow,
  NameTaken,
  openStore,
  type Store,
  type TextMap,
} from '../store/index.ts';
import { assetNotFound, contentHashOf, kindName } from './asset-absence.ts';
import { checkName, checkVersion, parseAssetReference } from './asset-reference.ts';
import { type DataSpec, type DataType, dataTypes, type ModelSpec } from './asset-spec.ts';
import { ensureContainer } from './containers.ts';
import {
  type Content,
  type ContentFile,
  copyContent,
  forgetContent,
  keepContent,
  keepSums,
  keptFiles,
  keptFolderOf,
  readContent,
} from './content.ts';
import { checkEnvironment, type NewEnvironment } from './environment.ts';
import { type NamesData, withDataPaths } from './job-data.ts';
import { type LocateOptions, locate } from './locate.ts';
import { requireUnused } from './model-in-use.ts';
import { describeModel, type ModelType, modelTypes } from './model-kind.ts';
import { modelSource } from './model-source.ts';

/** What is said of an asset that is registered. */
export interface NewVersion {
  readonly name: string;
  /** The next whole number when left out. */
  readonly version?: string | undefined;
  /** Where its files are: a path, or what `locate` knows besides. */
  readonly path: string;
  /** What is shown as its path, where that is not how it was given. */
  readonly given?: string | undefined;
  readonly description?: string | undefined;
  readonly tags?: TextMap | undefined;
  readonly properties?: TextMap | undefined;
}

/** Models and data under names and versions, here or on a server. A version never changes; what is said of it may. */
export interface SharedRegistry {
  /**
   * Registers a model. Its files are copied into the workspace (where the file system can, they share their bytes with the original), with a
   * hash for each; what a trial left brings its job and its data along. An MLflow model may be packed as zip, tar or tar.gz.
   * @throws Refusal when there is such a version, or the files are not there or not a model of this type
   */
  createModel(model: NewVersion & { readonly type?: ModelType }, where: LocateOptions): Promise<AssetRow>;
  /**
   * Registers data. Its files stay where they are; their hashes are kept, so that a job is told when they are not what was registered.
   * @throws Refusal when there is such a version, or the files are not there or not data of this type
   */
  createData(data: NewVersion & { readonly type?: DataType }, where: LocateOptions): Promise<AssetRow>;
  /** @param version a version, or `@` and a label. @throws Refusal when there is none */
  find(kind: AssetKind, name: string, version: string): Promise<AssetRow>;
  /** The newest version of each name, or all versions of one, newest first. Archived ones are hidden unless they are asked for. */
  list(
    kind: AssetKind,
    filter?: { readonly name?: string; readonly archived?: Archived; readonly most?: number },
  ): Promise<AssetRow[]>;
  /** The version that `azureml:name:version`, `azureml:name@latest` or an id of REST means. @throws Refusal when there is none */
  resolve(kind: AssetKind, reference: string): Promise<AssetRow>;
  /** Replaces what is given. @throws Refusal when there is no such version */
  update(
    kind: AssetKind,
    name: string,
    version: string,
    changes: Partial<Pick<AssetRow, 'description' | 'tags' | 'properties'>>,
  ): Promise<AssetRow>;
  /** Hides a version, or all of a name, from lists; `@latest` does not mean it any more. @throws Refusal when there is none */
  setArchived(kind: AssetKind, name: string, version: string | null, archived: boolean): Promise<void>;
  /** Removes a version, and its files when no other version has them. @returns whether it was there. @throws Refusal for a model that a deployment serves */
  delete(kind: AssetKind, name: string, version: string): Promise<boolean>;
  /** A job with the paths of its data on this machine instead of references. @throws Refusal as a submission would */
  withDataPaths<Job extends NamesData>(job: Job): Promise<Job>;
  /** The folder of a model's files on this machine, which nobody may change; from a server they are fetched once. */
  fetchModel(row: AssetRow): Promise<string>;
  /** Those files, with their hashes. @throws Refusal when the list of them is damaged */
  modelFiles(row: AssetRow): Promise<readonly ContentFile[]>;
  /** Copies a model's files into `<folder>/<name>`, to be looked at, edited and registered again. @returns that folder */
  download(row: AssetRow, folder: string): Promise<string>;
}

/** A registry whose files are on this machine. */
export interface Registry extends SharedRegistry {
  /**
   * Keeps an environment for those who look it up: nothing runs in it here.
   * @throws Refusal when there is such a version, or it has neither image nor build, or both
   */
  createEnvironment(environment: NewEnvironment): Promise<AssetRow>;
  /** The folder of a model's files, which nobody may change. */
  modelFolder(row: AssetRow): string;
}

export function createRegistry(place: Pick<Place, 'folder'>, store: Store): Registry {
  const find = async (kind: AssetKind, name: string, version: string): Promise<AssetRow> => {
    const row = await store.assets.find(kind, name, version);
    if (row) return row;
    throw assetNotFound(kind, name, version);
  };

  const add = async (
    kind: AssetKind,
    asset: Omit<NewVersion, 'path'>,
    more: Pick<AssetRow, 'spec'> & Partial<AssetRow>,
  ) => {
    const { name, version, description, tags, properties } = asset;
    await ensureContainer(store, kind, name, kind === 'data' ? { dataType: (more.spec as DataSpec).type } : {});
    try {
      return await store.assets.add({
        ...{ kind, name, ...more },
        ...(version !== undefined && { version }),
        ...(description !== undefined && { description }),
        ...(tags !== undefined && { tags }),
        ...(properties !== undefined && { properties }),
      });
    } catch (error) {
      throw error instanceof NameTaken ? taken(kind, asset) : error;
    }
  };

  /** What can be known before files are read. */
  const check = async (kind: AssetKind, { name, version }: Pick<NewVersion, 'name' | 'version'>): Promise<void> => {
    checkName(name, kind);
    if (version === undefined) return;
    checkVersion(version);
    if (await store.assets.find(kind, name, version)) throw taken(kind, { name, version });
  };

  const forgetUnused = async (kind: AssetKind, hash: string | null): Promise<void> => {
    if (hash === null) return;
    const { rows } = await store.assets.list({ kind, contentHash: hash, archived: 'all', most: 1 });
    if (rows.length === 0) await forgetContent(place, hash, kind === 'data' ? 'sums' : 'files');
  };

  return {
    async createModel(model, where) {
      const type = model.type ?? 'custom_model';
      if (!modelTypes.includes(type))
        throw invalid(`type should be one of ${modelTypes.join(', ')}, not ${type}`, 'type');
      await check('model', model);
      await using source = await modelSource(place, store, { path: model.path, type }, where);
      const tell = (error: unknown): never => {
        throw source.reworded(error);
      };
      const { flavors, task, modelName } = await describeModel(source.path, type).catch(tell);
      const content = await keepContent(place, source.path, source.mayLink).catch(tell);
      const job = source.job === null ? null : await store.jobs.find(source.job);
      const spec: ModelSpec = {
        ...{ type, path: model.given ?? model.path, flavors, task, model_name: modelName, trial: source.trial },
        ...counted(content),
        file: content.files.length === 1 && source.isFile ? content.files[0].path : null,
      };
      try {
        const row = await add('model', model, {
          spec,
          content_hash: content.hash,
          job: source.job,
          data: source.data ?? dataOf(job?.spec),
        });
        // The last version that had these files may have been removed meanwhile, and they with it.
        if (!existsSync(keptFolderOf(place, content.hash))) await keepContent(place, source.path, source.mayLink);
        return row;
      } catch (error) {
        await forgetUnused('model', content.hash);
        throw error;
      }
    },

    async createEnvironment({ spec, ...environment }) {
      checkEnvironment(spec);
      await check('environment', environment);
      return add('environment', environment, { spec });
    },

    async createData(data, where) {
      const type = data.type ?? 'uri_folder';
      if (!dataTypes.includes(type))
        throw invalid(`type should be one of ${dataTypes.join(', ')}, not ${type}`, 'type');
      await check('data', data);
      const { path: location } = await locate(place, store, data.path, where);
      const content = await readContent(location);
      checkDataType(location, type, content);
      await keepSums(place, content);
      const spec: DataSpec = { type, path: data.given ?? data.path, location, ...counted(content) };
      return add('data', data, { spec, content_hash: content.hash });
    },

    find,

    list: async (kind, filter = {}) => (await store.assets.list({ kind, ...filter })).rows,

    async resolve(kind, reference) {
      const found = parseAssetReference(reference);
      if (found) return find(kind, found.name, found.version);
      throw invalid(`${reference} is no reference to a version: azureml:name:1, or azureml:name@latest`);
    },

    async update(kind, name, version, changes) {
      const row = await find(kind, name, version);
      await store.assets.patch(kind, name, row.version, changes);
      return find(kind, name, row.version);
    },

    async setArchived(kind, name, version, archived) {
      const exact = version === null ? null : (await find(kind, name, version)).version;
      if (await store.assets.setArchived(kind, name, exact, archived)) return;
      throw assetNotFound(kind, name, exact);
    },

    async delete(kind, name, version) {
      const row = await store.assets.find(kind, name, version);
      if (!row) return false;
      if (kind === 'model') await requireUnused(store, row);
      if (!(await store.assets.delete(kind, name, row.version))) return false;
      await forgetUnused(kind, row.content_hash);
      return true;
    },

    withDataPaths: (job) => withDataPaths(place, store, job),

    modelFolder: (row) => keptFolderOf(place, contentHashOf(row)),

    fetchModel: async (row) => keptFolderOf(place, contentHashOf(row)),

    modelFiles: (row) => keptFiles(place, contentHashOf(row)),

    async download(row, folder) {
      const to = join(folder, row.name);
      await copyContent(place, contentHashOf(row), to);
      return to;
    },
  };
}

/** A registry with a connection of its own. */
export type OpenRegistry = (address: {
  readonly folder: string;
  readonly database?: string;
}) => Promise<Registry & { readonly store: Store; close(): Promise<void> }>;

/** Opens the registry of a workspace. @throws StoreUnavailable */
export const openRegistry: OpenRegistry = async (address) => {
  const place = placeOf(address);
  const store = await openStore(place);
  return { ...createRegistry(place, store), store, close: () => store.close() };
};

const counted = ({ bytes, files }: Content) => ({ bytes, files: files.length });

function checkDataType(location: string, type: DataType, { files }: Content): void {
  const isFile = files.length === 1 && location.endsWith(`/${files[0].path}`);
  if (type === 'uri_file' && !isFile)
    throw invalid(`${location} is a folder; its type is uri_folder or mltable`, 'type');
  if (type !== 'uri_file' && isFile) throw invalid(`${location} is a file; its type is uri_file`, 'type');
  if (type === 'mltable' && !files.some(({ path }) => path === 'MLTable')) {
    throw invalid(`${location} has no file MLTable; a folder without one has type uri_folder`, 'type');
  }
}

/** What a job was trained on, as it says it. */
function dataOf(spec: object | undefined): string[] {
  const { training_data, validation_data } = (spec ?? {}) as Record<string, { path?: unknown } | undefined>;
  return [training_data?.path, validation_data?.path].filter((path) => typeof path === 'string');
}

const taken = (kind: AssetKind, { name, version }: Pick<NewVersion, 'name' | 'version'>) =>
  new Refusal(
    'conflict',
    `${kindName(kind)}VersionExists`,
    `there is ${kind === 'environment' ? 'an' : 'a'} ${kind} ${name}, version ${version} already, and versions do not change; leave the version out for the next one`,
    { target: 'version' },
  );
