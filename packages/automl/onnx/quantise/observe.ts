import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { EditableGraph } from './editable-graph.ts';
import { Histogram } from './histogram.ts';

/** What a graph is given at once: an image, or several of one size. */
export interface CalibrationInput {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** Images that a model is to answer well, as its network gets them. */
export interface CalibrationInputs {
  /** How many `read` gives at most. */
  readonly count: number;
  /** The same inputs in the same order each time: they are read again rather than kept. */
  read(): AsyncIterable<CalibrationInput> | Iterable<CalibrationInput>;
}

export interface RunOptions {
  /** Default 0: as many as the machine has cores. */
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Bytes of the tensors that are taken out of a graph at once. */
const MOST_BYTES = 384 * 2 ** 20;

/** Other inputs may be larger than the one that sizes are taken from. */
const SPARE = 1.5;

/**
 * Runs a graph on all inputs and makes histograms of values inside of it. Values that together are too large for memory are looked at in
 * turns, for each of which the part of the graph up to them is run.
 *
 * @param onProgress part that is done, 0 … 1
 * @returns also how many inputs there were
 */
export async function observe(
  graph: EditableGraph,
  values: readonly string[],
  inputs: CalibrationInputs,
  { onProgress, ...options }: RunOptions & { onProgress?: ((part: number) => void) | undefined } = {},
): Promise<{ histograms: Map<string, Histogram>; seen: number }> {
  const histograms = new Map(values.map((value) => [value, new Histogram()]));
  const turns = await inTurns(graph, values, inputs, options);
  let done = 0;
  for (const some of turns) {
    await runOn(graph.writePartFor(some), inputs, options, (outputs) => {
      for (const value of some) histograms.get(value)?.add(outputs[value]);
      done++;
      onProgress?.(done / (turns.length * inputs.count));
    });
  }
  return { histograms, seen: done / turns.length };
}

/** Runs a file on all inputs, one after the other. `take` gets the outputs of each by name. */
export async function runOn(
  onnx: Uint8Array,
  inputs: Pick<CalibrationInputs, 'read'>,
  { threads = 0, signal }: RunOptions,
  take: (outputs: Readonly<Record<string, Float32Array>>) => void,
): Promise<void> {
  const session = await InferenceSession.create(onnx, { intraOpNumThreads: threads, graphOptimizationLevel: 'all' });
  try {
    const [name] = session.inputNames;
    for await (const { data, shape } of inputs.read()) {
      signal?.throwIfAborted();
      const outputs = await session.run({ [name]: new Tensor('float32', data, [...shape]) });
      take(Object.fromEntries(Object.entries(outputs).map(([key, { data }]) => [key, data as Float32Array])));
    }
  } finally {
    await session.release();
  }
}

/** The first of some inputs, at most so many of them. */
export const firstOf = (inputs: CalibrationInputs, most: number): CalibrationInputs => ({
  count: Math.min(most, inputs.count),
  async *read() {
    let read = 0;
    for await (const input of inputs.read()) {
      yield input;
      if (++read >= most) return;
    }
  },
});

/** Values in groups that fit into memory, by their sizes for the first input. */
async function inTurns(
  graph: EditableGraph,
  values: readonly string[],
  inputs: CalibrationInputs,
  options: RunOptions,
): Promise<string[][]> {
  const { nodes } = graph;
  const sizes = values.map((value) => graph.node('Size', [value], [graph.unused(`${value}_size`)]));
  const counts = new Map<string, number>();
  graph.nodes = [...nodes, ...sizes];
  const asked = graph.writePartFor(sizes.map(({ output }) => output[0]));
  graph.nodes = nodes;
  await runOn(asked, firstOf(inputs, 1), options, (outputs) => {
    for (const [i, value] of values.entries()) counts.set(value, Number(outputs[sizes[i].output[0]][0]));
  });
  const turns: string[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const value of values) {
    const size = (counts.get(value) ?? 0) * Float32Array.BYTES_PER_ELEMENT * SPARE;
    if (bytes + size > MOST_BYTES) {
      turns.push([]);
      bytes = 0;
    }
    turns.at(-1)?.push(value);
    bytes += size;
  }
  return turns;
}
