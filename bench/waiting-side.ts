// Trains as a job does, from image files on; tells how long it waited for them. See waiting.ts.
import { forwardIn, measurePrecision } from '@fovea/automl';
import { BatchLoader, ImageCache } from '@fovea/data';
import { fromTypedArray, manualSeed, nn, optim, setNumThreads, tensor, tidy } from '@fovea/torch';
import { augmentModule, createModel, findModel, normaliseBatch } from '@fovea/vision';
import { answerRequests, timed } from './answer-requests.ts';
import { AugmentedPhotos, SIZE } from './augmented-photos.ts';

setNumThreads(2);

interface Run {
  model: string;
  files: string[];
  batch: number;
  epochs: number;
}

await answerRequests({
  /** @returns of each epoch, its seconds and those that it waited for the loader */
  async train_waiting({ model, files, batch, epochs }: Run) {
    const photos = await AugmentedPhotos.open(files, batch);
    await using images = new BatchLoader({ workers: 1, augmentModule, cache: ImageCache.create() });
    manualSeed(0);
    const net = createModel(model, { classes: 10 }).train();
    const { precision } = measurePrecision(net, { size: SIZE, device: 'cpu' });
    net.to({ memoryFormat: precision.memoryFormat });
    const optimizer = new optim.SGD(net.parameters(), { learningRate: 0.01, momentum: 0.9 });
    const { input } = findModel(model);
    const found: { seconds: number; waited: number }[] = [];
    for (let epoch = 0; epoch < epochs; epoch++) {
      const before = images.waitedMilliseconds;
      const seconds = await timed(async () => {
        for await (const { pixels, size } of images.run(photos.epoch())) {
          tidy(() => {
            optimizer.zeroGrad();
            const x = normaliseBatch(fromTypedArray(pixels, [size, SIZE, SIZE, 3]), input);
            const labels = Array.from({ length: size }, (_, i) => i % 10);
            const logits = forwardIn(precision, 'cpu', () => net.forward(x.contiguous(precision.memoryFormat)));
            const loss = nn.functional.crossEntropy(logits, tensor(labels, { dtype: 'int64' }));
            loss.backward();
            optimizer.step();
            loss.item();
          });
        }
      });
      found.push({ seconds, waited: (images.waitedMilliseconds - before) / 1000 });
    }
    return found;
  },
});
