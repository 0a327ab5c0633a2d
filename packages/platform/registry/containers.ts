import type { AssetKind, ResourceRow, Store, TextMap } from '../store/index.ts';

/** What all versions of an asset have in common. */
export interface ContainerSpec {
  description: string | null;
  tags: TextMap;
  properties: TextMap;
  /** Of data: `mltable`, `uri_file`, `uri_folder`. */
  dataType?: string;
}

export const containerKind = (kind: AssetKind): string => `container of ${kind}`;

export const containerOf = (row: ResourceRow): ContainerSpec => row.spec as ContainerSpec;

/** Makes the container of an asset where there is none. */
export async function ensureContainer(
  store: Store,
  kind: AssetKind,
  name: string,
  more: Partial<ContainerSpec> = {},
): Promise<ResourceRow> {
  const found = await store.resources.find(containerKind(kind), name);
  if (found) return found;
  const spec: ContainerSpec = { description: null, tags: {}, properties: {}, ...more };
  const added = await store.resources.add(containerKind(kind), name, spec);
  return added ?? ((await store.resources.find(containerKind(kind), name)) as ResourceRow);
}

/** The version that `latest` means and the one that the next will have by itself; null: there is none. */
export async function versionsOf(
  store: Store,
  kind: AssetKind,
  name: string,
): Promise<{ latest: string | null; next: string }> {
  const latest = await store.assets.find(kind, name, '@latest');
  let most = 0;
  let after: string | undefined;
  do {
    const page = await store.assets.list({ kind, name, archived: 'all', most: 1000, ...(after && { after }) });
    for (const { version } of page.rows) if (/^\d{1,15}$/.test(version)) most = Math.max(most, Number(version));
    after = page.next ?? undefined;
  } while (after !== undefined);
  return { latest: latest?.version ?? null, next: String(most + 1) };
}
