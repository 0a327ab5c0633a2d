// A model without a server around it: the same reading of images, the same network on ONNX Runtime, one after the other.
import { readFileSync } from 'node:fs';
import { loadModel, type Model } from '@fovea/serving';
import { answerRequests } from './answer-requests.ts';

let model: Model | null = null;
let images: Uint8Array[] = [];

await answerRequests({
  async open({ folder, files }: { folder: string; files: string[] }) {
    await model?.close();
    model = await loadModel(folder);
    images = files.map((file) => readFileSync(file));
  },

  /** Images per second, so many at once, in so many seconds. */
  async throughput({ together, seconds }: { together: number; seconds: number }) {
    const begun = performance.now();
    const end = begun + 1000 * seconds;
    let done = 0;
    while (performance.now() < end) {
      const some = Array.from({ length: together }, (_, i) => images[(done + i) % images.length]);
      await model?.predict(some);
      done += together;
    }
    return done / ((performance.now() - begun) / 1000);
  },

  /** Milliseconds that each of so many images took, alone. */
  async latencies({ count }: { count: number }) {
    const times: number[] = [];
    for (let i = 0; i < count; i++) {
      const begun = performance.now();
      await model?.predict([images[i % images.length]]);
      times.push(performance.now() - begun);
    }
    return times;
  },
});
