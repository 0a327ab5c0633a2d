import { parentPort, workerData } from 'node:worker_threads';
import { ImageCache } from './image-cache.ts';
import { loadAugment } from './sample.ts';
import { type CloseMessage, type QueueMessage, SampleQueue } from './sample-queue.ts';

/** A thread of a BatchLoader. JPEG keeps it busy by itself; formats that sharp decodes elsewhere leave room for others. */
const LANES = 4;

const augment = loadAugment(workerData.augmentModule);
// A module that cannot be loaded fails the samples that need it, not the thread.
augment.catch(() => {});
const cache = workerData.cache && ImageCache.from(workerData.cache);
const queue = new SampleQueue({ augment, cache, lanes: LANES, report: (report) => parentPort?.postMessage(report) });
parentPort?.on('message', (message: QueueMessage | CloseMessage) => {
  if (message.type === 'close') parentPort?.close();
  else queue.accept(message);
});
