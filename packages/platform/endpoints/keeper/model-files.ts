import { patiently } from '../../patience.ts';
import type { Place } from '../../place.ts';
import { Refusal } from '../../refusal.ts';
import { readContent } from '../../registry/content.ts';
import { type AssetRow, createRegistry } from '../../registry/index.ts';
import type { Store } from '../../store/index.ts';
import type { OnlineDeploymentRow } from '../online/online-rows.ts';

/**
 * The folder of a deployment's model, whose files are those that were registered.
 * @param say is told what is done
 * @throws Refusal when there is no such model, or its files have changed; StoreUnavailable after ten minutes
 */
export async function modelFiles(
  place: Place,
  store: Store,
  { model }: Pick<OnlineDeploymentRow, 'model'>,
  say: (line: string) => void,
): Promise<string> {
  const registry = createRegistry(place, store);
  const row: AssetRow = await patiently(place, () => registry.resolve('model', model));
  const folder = registry.modelFolder(row);
  say(`${model}: ${folder}`);
  const begun = performance.now();
  const { hash, files, bytes } = await readContent(folder);
  if (hash !== row.content_hash) {
    const message = `the files of ${model} in ${folder} are not those that were registered; sha256sum --check ../SHA256SUMS in that folder says which. Register the model again and deploy that version`;
    throw new Refusal('conflict', 'ContentDamaged', message);
  }
  const seconds = ((performance.now() - begun) / 1000).toFixed(2);
  say(
    `${model}: ${files.length} files, ${bytes} bytes, are those that were registered (SHA-256 ${hash}, ${seconds} s)`,
  );
  return folder;
}
