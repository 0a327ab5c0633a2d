import { availableParallelism } from 'node:os';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { byteProductsOverflow } from './byte-products.ts';

/** A graph that is ready to run on the CPU. */
export interface GraphSession {
  /** @param input float32 [N, 3, size, size]; returns the output of N rows, one after the other */
  run(input: Float32Array, shape: readonly number[]): Promise<Float32Array>;
  close(): Promise<void>;
}

/** A graph with one input, whose outputs are asked for by name. */
export interface OpenGraph {
  run(inputName: string, input: Float32Array, shape: readonly number[]): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

/**
 * Opens a checked graph in ONNX Runtime. One session runs one batch at a time, and a batch uses all threads; so operators do not run
 * beside each other (`sequential`), and the arena keeps its memory between batches. Threads that have nothing to do keep a core busy,
 * to be quick when there is something: 50 µs, longer than the pauses between operators, instead of ONNX Runtime's milliseconds. That
 * halves the time of the cores for a small network and leaves them to what decodes images; it takes nothing from its speed.
 *
 * @param threads 0: as many as the machine has cores
 */
export async function openGraph(onnx: Uint8Array, threads: number): Promise<OpenGraph> {
  const session = await InferenceSession.create(onnx, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    intraOpNumThreads: threads === 0 ? availableParallelism() : threads,
    interOpNumThreads: 1,
    enableCpuMemArena: true,
    enableMemPattern: true,
    // What fails is thrown, and told by whoever catches it.
    logSeverityLevel: 4,
    extra: {
      session: {
        intra_op: { spin_duration_us: '50' },
        ...(byteProductsOverflow() && { x64quantprecision: '1' }),
      },
    },
  });
  return {
    async run(inputName, input, shape) {
      const outputs = await session.run({ [inputName]: new Tensor('float32', input, [...shape]) });
      return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data]));
    },
    close: () => session.release(),
  };
}

/** The same of a graph with one output. */
export async function openSession(
  graph: { onnx: Uint8Array; inputName: string; outputName: string },
  threads: number,
): Promise<GraphSession> {
  const session = await openGraph(graph.onnx, threads);
  return {
    async run(input, shape) {
      const outputs = await session.run(graph.inputName, input, shape);
      return outputs[graph.outputName] as Float32Array;
    },
    close: () => session.close(),
  };
}
