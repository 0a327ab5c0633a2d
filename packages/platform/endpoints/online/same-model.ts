import type { Place } from '../../place.ts';
import { modelSpecOf } from '../../registry/asset-spec.ts';
import { readContent } from '../../registry/content.ts';
import type { LocateOptions, ModelType, NewVersion } from '../../registry/index.ts';
import { modelSource } from '../../registry/model-source.ts';
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
  await using source = await modelSource(place, store, { path, type }, where);
  const { hash } = await readContent(source.path);
  return candidates.find(({ content_hash }) => content_hash === hash) ?? null;
}
