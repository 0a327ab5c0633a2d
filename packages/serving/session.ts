import { availableParallelism } from 'node:os';
import { InferenceSession, Tensor } from 'onnxruntime-node';

/** A graph that is ready to run on the CPU. */
export interface GraphSession {
  /** @param input float32 [N, 3, size, size]; returns the output of N rows, one after the other */
  run(input: Float32Array, shape: readonly number[]): Promise<Float32Array>;
  close(): Promise<void>;
}

/**
 * Opens a checked graph in ONNX Runtime. One session runs one batch at a time, and a batch uses all threads; so operators do not run
 * beside each other (`sequential`), and the arena keeps its memory between batches.
 *
 * @param threads 0: as many as the machine has cores
 */
export async function openSession(
  graph: { onnx: Uint8Array; inputName: string; outputName: string },
  threads: number,
): Promise<GraphSession> {
  const session = await InferenceSession.create(graph.onnx, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    intraOpNumThreads: threads === 0 ? availableParallelism() : threads,
    interOpNumThreads: 1,
    enableCpuMemArena: true,
    enableMemPattern: true,
  });
  return {
    async run(input, shape) {
      const outputs = await session.run({ [graph.inputName]: new Tensor('float32', input, [...shape]) });
      return outputs[graph.outputName].data as Float32Array;
    },
    close: () => session.release(),
  };
}
