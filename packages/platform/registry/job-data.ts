import type { ImageJob } from '@fovea/automl';
import type { Place } from '../place.ts';
import { Refusal } from '../refusal.ts';
import type { AssetRow, Store } from '../store/index.ts';
import { parseAssetReference, referenceTo } from './asset-reference.ts';
import { type DataSpec, dataSpecOf } from './asset-spec.ts';
import { differences } from './content.ts';
import { locate } from './locate.ts';

/** A job, as far as it names data. */
export type NamesData = Pick<ImageJob, 'training_data' | 'validation_data'>;

const keys = ['training_data', 'validation_data'] as const;

/**
 * The job with the version that each `azureml:name@label` means now, so that it says for ever what it was trained on.
 * @throws Refusal when there is no such data
 */
export async function pinData<Job extends NamesData>(store: Store, job: Job): Promise<Job> {
  const pinned = { ...job };
  for (const key of keys) {
    const input = job[key];
    const reference = input && parseAssetReference(input.path);
    if (!input || !reference) continue;
    const { name, version } = await dataNamed(store, input.path);
    pinned[key] = { ...input, path: referenceTo({ name, version }) };
  }
  return pinned;
}

/**
 * The job with the paths of its data on this machine.
 * @param options.resumes the job has been begun, and goes on with the images that it has, whatever has become of the data
 * @throws Refusal when there is no such data, or it is not what was registered any more
 */
export async function withDataPaths<Job extends NamesData>(
  place: Pick<Place, 'folder'>,
  store: Store,
  job: Job,
  { resumes = false } = {},
): Promise<Job> {
  const found = { ...job };
  for (const key of keys) {
    const input = job[key];
    if (!input) continue;
    const reference = parseAssetReference(input.path);
    if (reference) {
      if (resumes && !(await store.assets.find('data', reference.name, reference.version))) continue;
      const row = await dataNamed(store, input.path);
      if (!resumes) await requireUnchanged(place, row);
      found[key] = { ...input, path: dataSpecOf(row).location };
    } else if (!resumes && /^(azureml|file):/i.test(input.path)) {
      const { path } = await locate(place, store, input.path, { baseFolder: null, anywhere: true });
      found[key] = { ...input, path };
    }
  }
  return found;
}

async function dataNamed(store: Store, path: string): Promise<AssetRow> {
  const reference = parseAssetReference(path);
  const row = reference && (await store.assets.find('data', reference.name, reference.version));
  if (row) return row;
  throw new Refusal('not-found', 'DataNotFound', `there is no data ${path}; fovea data list shows what there is`);
}

async function requireUnchanged(place: Pick<Place, 'folder'>, row: AssetRow): Promise<void> {
  const { location } = row.spec as DataSpec;
  const what = referenceTo(row);
  const { changed, added, gone } = await differences(place, row.content_hash ?? '', location, new Date(row.created_at));
  const parts = Object.entries({ changed, added, gone })
    .filter(([, paths]) => paths.length > 0)
    .map(
      ([word, paths]) =>
        `${paths.length} ${paths.length === 1 ? 'file' : 'files'} ${word} (${paths[0]}${paths.length > 1 ? ', …' : ''})`,
    );
  if (parts.length === 0) return;
  throw new Refusal(
    'conflict',
    'DataChanged',
    `${what} is not what was registered: in ${location} there are ${parts.join(', ')}; register it as it is now: fovea data create --name ${row.name} --path ${location}`,
  );
}
