import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { invalid, Refusal } from '../refusal.ts';
import { type AssetReference, parseAssetReference } from '../registry/asset-reference.ts';
import type { LocateOptions } from '../registry/locate.ts';
import type { NewVersion, SharedRegistry } from '../registry/registry.ts';
import type { AssetKind, AssetRow } from '../store/index.ts';
import type { UploadedPath, UploadFile } from '../wire/protocol.ts';
import { isRelativePath, isSha256 } from '../wire/relative-path.ts';
import { connect } from './connection.ts';
import { fetchFile, isSame } from './fetch-file.ts';
import { cachedModel } from './model-cache.ts';
import { type SendOptions, sendFiles } from './send-files.ts';
import { readToSend, toSend } from './sent-files.ts';
import type { ServerAddress } from './server-address.ts';
import { ServerUnreachable } from './unreachable.ts';

export type OpenRemoteRegistry = (
  address: ServerAddress,
  options?: SendOptions,
) => Promise<SharedRegistry & { close(): Promise<void> }>;

const many: Readonly<Partial<Record<AssetKind, string>>> = { model: 'models', data: 'data' };

/**
 * Models and data of a server. Files that are named by a path are sent there, as far as it does not have them.
 * @param options.signal ends the sending; what has come stays for a day
 */
export const openRemoteRegistry: OpenRemoteRegistry = async (address, sending = {}) => {
  const connection = connect(address);
  const { ask, origin } = connection;
  const pathOf = (kind: AssetKind, name: string, version: string) =>
    `/${many[kind]}/${encodeURIComponent(name)}/versions/${encodeURIComponent(version)}`;

  const find = (kind: AssetKind, name: string, version: string) => ask<AssetRow>('GET', pathOf(kind, name, version));

  const create = async (kind: AssetKind, { path, ...asset }: NewVersion, { baseFolder }: LocateOptions) => {
    const body = /^(azureml:|runs:)/i.test(path) ? { path } : { upload: await upload(path, baseFolder) };
    return ask<AssetRow>('POST', `/${many[kind]}`, { body: { ...asset, ...body } });
  };

  const upload = async (given: string, baseFolder: string | null): Promise<UploadedPath> => {
    if (/^[a-z][a-z0-9+.-]+:/i.test(given) && !/^file:/i.test(given))
      throw invalid(`${given} cannot be sent; a path of this machine is needed`, 'path', 'UnsupportedPath');
    const files = await toSend(resolve(baseFolder ?? '.', /^file:/i.test(given) ? fileURLToPath(given) : given));
    const id = await sendFiles(connection, await readToSend(files, sending), sending);
    return { upload: id, path: files.path, given };
  };

  const filesOf = async ({ name, version }: AssetReference): Promise<UploadFile[]> => {
    const { value } = await ask<{ value: UploadFile[] }>('GET', `${pathOf('model', name, version)}/files`);
    const odd = value.find(({ path, sha256 }) => !isRelativePath(path) || !isSha256(sha256));
    if (odd === undefined) return value;
    throw new ServerUnreachable(`${origin} names a file that cannot be: ${JSON.stringify(odd.path)}`, {
      passing: false,
    });
  };

  return {
    createModel: (model, where) => create('model', model, where),
    createData: (data, where) => create('data', data, where),
    find,

    async list(kind, { name, archived, most } = {}) {
      return (await ask<{ value: AssetRow[] }>('GET', `/${many[kind]}`, { query: { name, archived, most } })).value;
    },

    async resolve(kind, reference) {
      const found = parseAssetReference(reference);
      if (found) return find(kind, found.name, found.version);
      throw invalid(`${reference} is no reference to a version: azureml:name:1, or azureml:name@latest`);
    },

    update: (kind, name, version, changes) => ask('PATCH', pathOf(kind, name, version), { body: changes }),

    async setArchived(kind, name, version, archived) {
      const path = version === null ? `/${many[kind]}/${encodeURIComponent(name)}` : pathOf(kind, name, version);
      await ask('PATCH', path, { body: { archived } });
    },

    async delete(kind, name, version) {
      return (await ask<{ removed: boolean }>('DELETE', pathOf(kind, name, version))).removed;
    },

    async withDataPaths(job) {
      const named = [job.training_data, job.validation_data].find((input) => /^azureml:/i.test(input?.path ?? ''));
      if (named === undefined) return job;
      const message = `${named.path} is data of ${origin}, which is looked at there when a job is created`;
      throw new Refusal('not-found', 'DataElsewhere', message);
    },

    modelFiles: filesOf,

    async fetchModel(row) {
      return cachedModel(connection, `${pathOf('model', row.name, row.version)}/file`, await filesOf(row), sending);
    },

    async download(row, folder) {
      const to = join(folder, row.name);
      const files = await filesOf(row);
      for (const file of files) {
        const there = join(to, file.path);
        if ((await stat(there).catch(() => null)) === null || (await isSame(there, file))) continue;
        throw new Refusal('conflict', 'FileExists', `${there} is there already; name another folder`);
      }
      for (const file of files) {
        await fetchFile(
          connection,
          `${pathOf('model', row.name, row.version)}/file`,
          file,
          join(to, file.path),
          sending,
        );
      }
      return to;
    },

    close: async () => connection.close(),
  };
};
