import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FILES, ModelFolderError, readModelFolder } from '@fovea/automl/model-folder';
import type { Place } from '../../place.ts';
import { Refusal } from '../../refusal.ts';
import { modelSpecOf } from '../../registry/asset-spec.ts';
import { type LocateOptions, type Registry, referenceTo } from '../../registry/index.ts';
import type { AssetRow, Store } from '../../store/index.ts';
import type { InlineModel, OnlineDeploymentSpec } from './online-spec.ts';
import { sameModel } from './same-model.ts';

export interface ServableModelParts {
  readonly place: Pick<Place, 'folder'>;
  readonly store: Store;
  readonly registry: Registry;
}

/**
 * The version of a model that a deployment will serve: `@latest` is the one that is so now, and an inline model is registered, unless a version
 * has the same files already. It is looked at as an instance would: one that could not be loaded is refused here.
 *
 * @returns `azureml:name:version`
 * @throws Refusal
 */
export async function servableModel(
  parts: ServableModelParts,
  { name, endpoint_name, model }: Pick<OnlineDeploymentSpec, 'name' | 'endpoint_name' | 'model'>,
  where: LocateOptions,
): Promise<string> {
  const { registry } = parts;
  if (typeof model === 'string') {
    const row = await registry.resolve('model', model).catch(aboutModel);
    requireServing(row);
    await requireServable(registry, row);
    return referenceTo(row);
  }
  if (model.type === 'triton_model') throw notServed(`a triton_model`);
  const { row, isNew } = await registered(parts, { ...model, name: model.name ?? `${endpoint_name}-${name}` }, where);
  try {
    await requireServable(registry, row);
  } catch (error) {
    if (isNew) await registry.delete('model', row.name, row.version);
    throw error;
  }
  return referenceTo(row);
}

async function registered(
  { place, store, registry }: ServableModelParts,
  { name, version, path, type }: InlineModel & { readonly name: string },
  where: LocateOptions,
): Promise<{ row: AssetRow; isNew: boolean }> {
  const model = { name, path, type, ...(version !== null && { version }) };
  const same = await sameModel(place, store, model, where).catch(aboutModel);
  if (same) return { row: same, isNew: false };
  try {
    return { row: await registry.createModel(model, where), isNew: true };
  } catch (error) {
    // Another one may have registered the very same a moment ago.
    const isTaken = error instanceof Refusal && error.code === 'ModelVersionExists';
    const now = isTaken ? await sameModel(place, store, model, where) : null;
    if (now) return { row: now, isNew: false };
    return aboutModel(error);
  }
}

function requireServing(row: AssetRow): void {
  const reference = referenceTo(row);
  if (row.archived) {
    const message = `${reference} is archived; fovea model restore brings it back, or deploy another version`;
    throw new Refusal('invalid', 'ModelArchived', message, { target: 'model' });
  }
  const { type } = modelSpecOf(row);
  if (type === 'triton_model') throw notServed(`${reference} is a triton_model, which`);
}

async function requireServable(registry: Registry, row: AssetRow): Promise<void> {
  const reference = referenceTo(row);
  const folder = registry.modelFolder(row);
  if (!existsSync(folder)) {
    const message = `the files of ${reference} are not in this workspace's folder: it was registered from another one that shares the database; deploy it there, or register it here, too`;
    throw new Refusal('invalid', 'ModelElsewhere', message, { target: 'model' });
  }
  const { type, flavors } = modelSpecOf(row);
  if (!existsSync(join(folder, FILES.loader))) {
    const names = Object.keys(flavors).join(', ');
    throw notServed(`${reference} is a ${type}${names === '' ? '' : ` (${names})`} that Fovea did not train, which`);
  }
  try {
    await readModelFolder(folder, { checkWeights: true });
  } catch (error) {
    // By name: errors of the graph's reader have no class that is shared.
    const known = error instanceof ModelFolderError || (error instanceof Error && error.name === 'OnnxError');
    if (!known) throw error;
    const message = `${reference} cannot be served: ${(error as Error).message}`;
    throw new Refusal('invalid', 'ModelNotServable', message, { target: 'model', cause: error });
  }
}

const notServed = (what: string) =>
  new Refusal(
    'invalid',
    'ModelNotServable',
    `${what} cannot be served: instances load what Fovea trained, the folder outputs/mlflow-model of a trial or a copy of it (type mlflow_model)`,
    { target: 'model' },
  );

/** What is missing is what the deployment names, and not the deployment. */
function aboutModel(error: unknown): never {
  if (!(error instanceof Refusal)) throw error;
  const { reason, code, message, details } = error;
  throw new Refusal(reason === 'not-found' ? 'invalid' : reason, code, message, {
    target: 'model',
    details,
    cause: error,
  });
}
