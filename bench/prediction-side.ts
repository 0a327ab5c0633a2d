// This project's side of the comparison of prediction: ONNX Runtime without the training engine, as a deployed model runs.
import { readFileSync } from 'node:fs';
import { type GraphSession, openSession } from '@fovea/serving';
import { answerRequests, timed } from './answer-requests.ts';

let session: GraphSession | null = null;
let input = new Float32Array();
let shape: number[] = [];

await answerRequests({
  async prepare_prediction({ path, batch, size }: { path: string; batch: number; size: number }) {
    await session?.close();
    session = await openSession({ onnx: readFileSync(path), inputName: 'input1', outputName: 'output1' }, 2);
    shape = [batch, 3, size, size];
    input = Float32Array.from({ length: batch * 3 * size * size }, () => Math.random() * 2 - 1);
  },

  predict: ({ steps }: { steps: number }) =>
    timed(async () => {
      for (let i = 0; i < steps; i++) await session?.run(input, shape);
    }),
});
