// This project's side of the comparison of training; see training.ts.

import { writeFileSync } from 'node:fs';
import { exportOnnx, forwardIn, measurePrecision, type Precision } from '@fovea/automl';
import { manualSeed, nn, optim, randn, setNumThreads, tensor, tidy, torchVersion } from '@fovea/torch';
import { createModel } from '@fovea/vision';
import { answerRequests, timed } from './answer-requests.ts';

setNumThreads(2);
let step = () => {};

const build = (model: string) => {
  manualSeed(0);
  return createModel(model, { classes: 1000 });
};

await answerRequests({
  /** Without a precision, the one that a training job would choose. @returns the precision */
  prepare_training({
    model,
    batch,
    size,
    precision,
  }: {
    model: string;
    batch: number;
    size: number;
    precision?: Precision;
  }) {
    const net = build(model);
    const chosen = precision ?? measurePrecision(net, { size, device: 'cpu' }).precision;
    net.train();
    net.to({ memoryFormat: chosen.memoryFormat });
    const x = randn([batch, 3, size, size]).contiguous(chosen.memoryFormat);
    const labels = Array.from({ length: batch }, (_, i) => i);
    const target = tensor(labels, { dtype: 'int64' });
    const optimizer = new optim.SGD(net.parameters(), { learningRate: 0.01, momentum: 0.9 });
    step = () =>
      tidy(() => {
        optimizer.zeroGrad();
        const logits = forwardIn(chosen, 'cpu', () => net.forward(x));
        const loss = nn.functional.crossEntropy(logits, target);
        loss.backward();
        optimizer.step();
        loss.item();
      });
    return chosen;
  },

  train_steps: ({ steps }: { steps: number }) =>
    timed(() => {
      for (let i = 0; i < steps; i++) step();
    }),

  export_onnx({ model, size, path }: { model: string; size: number; path: string }) {
    const net = build(model).eval();
    writeFileSync(path, exportOnnx(net, { inputShape: [1, 3, size, size] }));
  },

  version: () => torchVersion(),
});
