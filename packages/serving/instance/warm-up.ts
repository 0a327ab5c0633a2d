import type { ImageReaders } from './image-readers.ts';
import type { ScoringModel } from './served-model.ts';

/** A grey JPEG of 16 × 16. */
const GREY =
  '/9j/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1xeXBkeFxlZ2P/2wBDARESEhgVGC8aGi9jQjhCY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2P/wAARCAAQABADASIAAhEBAxEB/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/xAAUAQEAAAAAAAAAAAAAAAAAAAAA/8QAFBEBAAAAAAAAAAAAAAAAAAAAAP/aAAwDAQACEQMRAD8AAA//2Q==';

/**
 * Lets an image go the whole way once: what loads its parts when they are first needed has them then, and that the model answers is
 * known before anybody asks it.
 *
 * @throws what the network throws, and Error when it does not take such an image
 */
export async function warmUp(readers: ImageReaders, model: ScoringModel): Promise<void> {
  const { signal } = new AbortController();
  const bytes = Buffer.from(GREY, 'base64');
  const [prepared] = await Promise.all(
    Array.from({ length: readers.size }, () =>
      readers.read({ bytes, preparation: model.preparation, target: 'a grey image', signal }),
    ),
  );
  const answer = await model.score(prepared, signal);
  if ('refused' in answer) throw new Error(answer.refused);
}
