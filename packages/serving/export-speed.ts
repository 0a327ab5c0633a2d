import type { CalibrationInputs } from '@fovea/automl/quantise';
import { openGraph } from './session.ts';

interface Graph {
  readonly onnx: Uint8Array;
  readonly inputName: string;
}

/** Milliseconds of the median image. */
export interface Milliseconds {
  readonly before: number;
  readonly after: number;
}

/** Images of a comparison at most, and the seconds after which it ends sooner. */
const MOST_IMAGES = 24;
const ENOUGH_SECONDS = 4;
const LEAST_IMAGES = 5;

/** How long two graphs take for an image, one after the other on the same images, so that other work on the machine slows both. */
export async function compareSpeed(
  before: Graph,
  after: Graph,
  inputs: CalibrationInputs,
  { threads = 0, signal }: { threads?: number | undefined; signal?: AbortSignal | undefined } = {},
): Promise<Milliseconds> {
  const graphs = [before, after];
  const sessions = await Promise.all(graphs.map(({ onnx }) => openGraph(onnx, threads)));
  const times: number[][] = [[], []];
  try {
    let begun: number | undefined;
    for await (const { data, shape } of inputs.read()) {
      signal?.throwIfAborted();
      for (const [i, session] of sessions.entries()) {
        // What a session does only once, and for each size of images, is not what is asked.
        await session.run(graphs[i].inputName, data, shape);
        const start = performance.now();
        await session.run(graphs[i].inputName, data, shape);
        times[i].push(performance.now() - start);
      }
      begun ??= performance.now();
      const isEnough = times[0].length >= LEAST_IMAGES && performance.now() - begun > 1000 * ENOUGH_SECONDS;
      if (isEnough || times[0].length >= MOST_IMAGES) break;
    }
  } finally {
    await Promise.all(sessions.map((session) => session.close()));
  }
  const [ofBefore, ofAfter] = times.map(median);
  return { before: ofBefore, after: ofAfter };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
