import { Refusal } from '../refusal.ts';
import type { AssetKind, AssetRow } from '../store/index.ts';
import { referenceTo } from './asset-reference.ts';

/** `model` as it begins a code: `ModelNotFound`. */
export const kindName = (kind: AssetKind): string => kind.charAt(0).toUpperCase() + kind.slice(1);

/** @param version null: any */
export function assetNotFound(kind: AssetKind, name: string, version: string | null): Refusal {
  const what = version === null || version === '@latest' ? JSON.stringify(name) : referenceTo({ name, version });
  return new Refusal('not-found', `${kindName(kind)}NotFound`, `there is no ${kind} ${what}`);
}

/** The hash of a version's files. @throws Refusal when it has none */
export function contentHashOf({ kind, name, version, content_hash }: AssetRow): string {
  if (content_hash !== null) return content_hash;
  throw new Refusal('conflict', 'NoContent', `the ${kind} ${referenceTo({ name, version })} has no files here`);
}
