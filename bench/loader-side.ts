// This project's side of the comparison of loaders; see loader.ts.
import { utimesSync } from 'node:fs';
import { BatchLoader, ImageCache } from '@fovea/data';
import { augmentModule } from '@fovea/vision';
import { answerRequests, timed } from './answer-requests.ts';
import { AugmentedPhotos } from './augmented-photos.ts';

let files: readonly string[] = [];
let photos: AugmentedPhotos | undefined;
let loader: BatchLoader | undefined;

await answerRequests({
  async prepare_loading(load: { files: string[]; batch: number; workers: number }) {
    await loader?.close();
    files = load.files;
    photos = await AugmentedPhotos.open(files, load.batch);
    loader = new BatchLoader({ workers: load.workers, augmentModule, cache: ImageCache.create() });
  },

  /** @param fresh the files count as changed, so that nothing in the cache is good any more: the first epoch */
  load_epoch({ fresh }: { fresh: boolean }) {
    if (fresh) for (const file of files) utimesSync(file, new Date(), new Date());
    return timed(async () => {
      for await (const batch of loader?.run(photos?.epoch() ?? []) ?? []) batch.release();
    });
  },
});
await loader?.close();
