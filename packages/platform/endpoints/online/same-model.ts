import type { Place } from '../../place.ts';
import { Refusal } from '../../refusal.ts';
import { modelSpecOf } from '../../registry/asset-spec.ts';
import { readContent } from '../../registry/content.ts';
import { type LocateOptions, type ModelType, type NewVersion, parseAssetReference } from '../../registry/index.ts';
import { locate } from '../../registry/locate.ts';
import type { AssetRow, Store } from '../../store/index.ts';

/**
 * The version of a model that has the very files that are to be registered, and is of the same type; the newest, unless a version is named.
 *
 * @returns null when there is none, or it is archived
 * @throws Refusal when the files are not there
 */
export async function sameModel(
  place: Pick<Place, 'folder'>,
  store: Store,
  { name, version, path, type }: NewVersion & { readonly type: ModelType },
  where: LocateOptions,
): Promise<AssetRow | null> {
  const { rows } = await store.assets.list({ kind: 'model', name });
  const candidates = rows.filter(
    (row) => modelSpecOf(row).type === type && (version === undefined || row.version === version),
  );
  if (candidates.length === 0) return null;
  const hash = await contentHash(place, store, path, where);
  return candidates.find(({ content_hash }) => content_hash === hash) ?? null;
}

async function contentHash(
  place: Pick<Place, 'folder'>,
  store: Store,
  path: string,
  where: LocateOptions,
): Promise<string | null> {
  const reference = parseAssetReference(path);
  if (reference) {
    const row = await store.assets.find('model', reference.name, reference.version);
    if (row) return row.content_hash;
    throw new Refusal('not-found', 'ModelNotFound', `there is no model ${path}`, { target: 'path' });
  }
  return (await readContent((await locate(place, store, path, where)).path)).hash;
}
