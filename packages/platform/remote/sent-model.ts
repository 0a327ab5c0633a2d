import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { InlineModel } from '../endpoints/online/online-spec.ts';
import { referenceTo } from '../registry/asset-reference.ts';
import { modelSpecOf } from '../registry/asset-spec.ts';
import { readContent } from '../registry/content.ts';
import type { LocateOptions } from '../registry/locate.ts';
import { openRemoteRegistry } from './remote-registry.ts';
import type { SendOptions } from './send-files.ts';
import type { ServerAddress } from './server-address.ts';

/** A deployment, as far as it names a model. */
interface NamesModel {
  readonly name: string;
  readonly endpoint_name: string;
  readonly model: string | InlineModel;
}

/** The model of a deployment as the server knows it: files of this machine are registered there, once. */
export async function sentModel(
  address: ServerAddress,
  { model, endpoint_name, name }: NamesModel,
  where: LocateOptions,
  sending: SendOptions,
): Promise<string | InlineModel> {
  if (typeof model === 'string' || /^(azureml:|runs:)/i.test(model.path)) return model;
  const registry = await openRemoteRegistry(address, sending);
  try {
    return await registered(registry, model, model.name ?? `${endpoint_name}-${name}`, where);
  } finally {
    await registry.close();
  }
}

/** A reference to the version that has these files; one is made where there is none. */
async function registered(
  registry: Awaited<ReturnType<typeof openRemoteRegistry>>,
  { path: given, type, version }: InlineModel,
  name: string,
  { baseFolder }: LocateOptions,
): Promise<string> {
  const path = resolve(baseFolder ?? '.', /^file:/i.test(given) ? fileURLToPath(given) : given);
  const versions = await registry.list('model', { name });
  const candidates = versions.filter(
    (row) => modelSpecOf(row).type === type && (version === null || row.version === version),
  );
  const hash = candidates.length === 0 ? null : (await readContent(path)).hash;
  const same = candidates.find(({ content_hash }) => content_hash === hash);
  if (same) return referenceTo(same);
  const model = { name, type, path, ...(version !== null && { version }) };
  return referenceTo(await registry.createModel(model, { baseFolder, anywhere: true }));
}
