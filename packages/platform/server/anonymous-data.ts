import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal } from '../refusal.ts';
import type { DataType } from '../registry/asset-spec.ts';
import type { AssetRow } from '../store/index.ts';
import type { UploadedPath } from '../wire/protocol.ts';
import type { ServerParts } from './app.ts';

/** What kind of data a path is. */
async function dataTypeOf(path: string): Promise<DataType> {
  if ((await stat(path)).isFile()) return 'uri_file';
  const table = await stat(join(path, 'MLTable')).catch(() => null);
  return table?.isFile() ? 'mltable' : 'uri_folder';
}

/**
 * Data that came with a job, under a name that follows from what it is: the same data has the same name, and jobs say for ever what they
 * were trained on. It is not in lists of what people registered.
 */
export async function anonymousData(
  { registry }: Pick<ServerParts, 'registry'>,
  { path, file, who }: { path: UploadedPath; file: string; who: string },
): Promise<AssetRow> {
  const hash = createHash('sha256').update(`${path.upload}/${path.path}`).digest('hex');
  const [name, version] = [`upload-${hash.slice(0, 32)}`, '1'];
  try {
    const type = await dataTypeOf(file);
    const properties = { uploaded_by: who };
    const where = { baseFolder: null, anywhere: true };
    const data = await registry.createData({ name, version, type, path: file, given: path.given, properties }, where);
    await registry.setArchived('data', name, version, true);
    return data;
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'DataVersionExists') throw error;
    return registry.find('data', name, version);
  }
}
