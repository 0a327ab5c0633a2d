// Trains as a job does, from image files on; tells how much memory is resident. See memory.ts.
import { forwardIn, measurePrecision } from '@fovea/automl';
import { BatchLoader, type Decode } from '@fovea/data';
import { fromTypedArray, manualSeed, nn, optim, setNumThreads, tensor, tidy } from '@fovea/torch';
import { createModel, findModel, normaliseBatch } from '@fovea/vision';
import { answerRequests } from './answer-requests.ts';

setNumThreads(2);

interface Run {
  model: string;
  files: string[];
  batch: number;
  size: number;
  /** Steps after which memory is looked at. */
  marks: number[];
}

await answerRequests({
  /** @returns resident bytes after each of the marks */
  async resident_after({ model, files, batch, size, marks }: Run) {
    manualSeed(0);
    const net = createModel(model, { classes: 10 }).train();
    const { precision } = measurePrecision(net, { size, device: 'cpu' });
    net.to({ memoryFormat: precision.memoryFormat });
    const optimizer = new optim.SGD(net.parameters(), { learningRate: 0.01, momentum: 0.9 });
    const { input } = findModel(model);
    const steps = Math.max(...marks);
    const batches = Array.from({ length: steps }, (_, step): Decode[] =>
      Array.from({ length: batch }, (_, i) => ({
        file: files[(step * batch + i) % files.length],
        resize: { width: size, height: size },
        fast: true,
      })),
    );
    const resident: number[] = [];
    await using loader = new BatchLoader({ workers: 1 });
    for await (const { index, pixels } of loader.run(batches)) {
      tidy(() => {
        optimizer.zeroGrad();
        const x = normaliseBatch(fromTypedArray(pixels, [batch, size, size, 3]), input);
        const labels = tensor(
          Array.from({ length: batch }, (_, i) => (index + i) % 10),
          { dtype: 'int64' },
        );
        const logits = forwardIn(precision, 'cpu', () => net.forward(x.contiguous(precision.memoryFormat)));
        nn.functional.crossEntropy(logits, labels).backward();
        optimizer.step();
      });
      if (marks.includes(index + 1)) resident.push(process.memoryUsage.rss());
    }
    return resident;
  },
});
