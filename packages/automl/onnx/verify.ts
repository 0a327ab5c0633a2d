import { fromTypedArray, type nn, tidy } from '@fovea/torch';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { deviceOf, evaluating } from './evaluating.ts';
import { OnnxError } from './onnx-error.ts';
import { testImages } from './test-images.ts';

/** Two engines may differ by so many times the rounding of one of them, as each rounds in its own order. */
const ROUNDINGS = 8;

export interface VerifyOptions {
  /** [C, H, W] of one image. */
  image: readonly [number, number, number];
  /** Batch sizes to try. */
  batches?: readonly number[];
  /** As the graph was exported with; both engines then get the same pixel values 0 … 1. */
  normalisation?: { mean: readonly number[]; std: readonly number[] };
  /** Greatest difference allowed, as a part of the outputs' standard deviation. */
  tolerance?: number;
  threads?: number;
}

export interface Verification {
  /** Greatest absolute difference of any output. */
  maxAbsDifference: number;
  /** The same divided by the standard deviation of the model's outputs. */
  relativeDifference: number;
  /** What `maxAbsDifference` had to stay below. */
  bound: number;
  /** Numbers that were compared. */
  compared: number;
}

/**
 * Runs ONNX Runtime and the engine (float32, evaluation mode) on the same random images and compares what comes out.
 *
 * The tolerance of 1e-3 lies between what is and what must not be: the order of summation changes the outputs of the deepest
 * networks here by less than 1e-4 of their standard deviation, while a wrong padding, epsilon or missing activation changes them by
 * 1e-2 and more. Outputs that are nearly all the same have next to no deviation; 1 % of their magnitude takes its place then, so that
 * float32's own rounding does not count as a fault. Some networks enlarge that rounding (batch norms whose variances are next to nothing,
 * after training on pictures of one colour): a difference is no fault while the engine itself is as far from its own double precision.
 *
 * @param onnx the file's path or its bytes
 * @throws OnnxError when the difference exceeds the tolerance, when an output is not finite, or when ONNX Runtime cannot run the graph
 */
export async function verifyOnnx(
  onnx: string | Uint8Array,
  model: nn.Module,
  options: VerifyOptions,
): Promise<Verification> {
  const { image, batches = [1, 3], normalisation, tolerance = 1e-3, threads = 0 } = options;
  const session = await open(onnx, threads);
  try {
    let maxAbsDifference = 0;
    const expectations: Float32Array[] = [];
    for (const batch of batches) {
      const shape = [batch, ...image];
      const pixels = normalisation ? testImages(shape, 0, 1) : testImages(shape);
      const expected = forward(model, pixels, shape, normalisation);
      const actual = await run(session, pixels, shape);
      if (actual.length !== expected.length) {
        throw mismatch(`for ${batch} images the graph gives ${actual.length} numbers and the model ${expected.length}`);
      }
      for (let i = 0; i < expected.length; i++) {
        const difference = Math.abs(actual[i] - expected[i]);
        if (!Number.isFinite(difference))
          throw mismatch(`an output is not a finite number (${actual[i]}; the model: ${expected[i]})`);
        if (difference > maxAbsDifference) maxAbsDifference = difference;
      }
      expectations.push(expected);
    }
    const { std, magnitude } = spread(expectations);
    let bound = tolerance * Math.max(std, 0.01 * magnitude);
    if (maxAbsDifference > bound) {
      const rounding = Math.max(
        ...batches.map((batch, i) => {
          const shape = [batch, ...image];
          const pixels = normalisation ? testImages(shape, 0, 1) : testImages(shape);
          return roundingOf(model, pixels, shape, normalisation, expectations[i]);
        }),
      );
      bound = Math.max(bound, ROUNDINGS * rounding);
    }
    if (maxAbsDifference > bound) {
      throw mismatch(
        `the outputs differ by up to ${maxAbsDifference.toPrecision(3)}; ${bound.toPrecision(3)} is allowed`,
      );
    }
    return {
      maxAbsDifference,
      relativeDifference: std === 0 ? 0 : maxAbsDifference / std,
      bound,
      compared: expectations.reduce((sum, values) => sum + values.length, 0),
    };
  } finally {
    await session.release();
  }
}

export async function open(onnx: string | Uint8Array, threads: number): Promise<InferenceSession> {
  const options = { intraOpNumThreads: threads, graphOptimizationLevel: 'all' } as const;
  try {
    return typeof onnx === 'string'
      ? await InferenceSession.create(onnx, options)
      : await InferenceSession.create(onnx, options);
  } catch (error) {
    throw mismatch(`ONNX Runtime does not take the graph: ${error instanceof Error ? error.message : error}`);
  }
}

async function run(session: InferenceSession, pixels: Float32Array, shape: number[]): Promise<Float32Array> {
  const outputs = await session.run({ [session.inputNames[0]]: new OrtTensor('float32', pixels, shape) });
  return outputs[session.outputNames[0]].data as Float32Array;
}

/** How far the outputs are from those in double precision. */
function roundingOf(
  model: nn.Module,
  pixels: Float32Array,
  shape: number[],
  normalisation: VerifyOptions['normalisation'],
  expected: Float32Array,
): number {
  model.to({ dtype: 'float64' });
  try {
    const exact = forward(model, pixels, shape, normalisation, 'float64');
    return exact.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
  } finally {
    // Every float32 is a double: nothing is lost on the way back.
    model.to({ dtype: 'float32' });
  }
}

function forward(
  model: nn.Module,
  pixels: Float32Array,
  shape: number[],
  normalisation: VerifyOptions['normalisation'],
  dtype: 'float32' | 'float64' = 'float32',
): Float32Array {
  return evaluating(model, () =>
    tidy(() => {
      const input = normalisation ? normalise(pixels, shape, normalisation) : pixels;
      const output = model.forward(fromTypedArray(input, shape).to({ device: deviceOf(model), dtype }));
      return output.float().cpu().data() as Float32Array;
    }),
  );
}

export function normalise(
  pixels: Float32Array,
  shape: number[],
  { mean, std }: { mean: readonly number[]; std: readonly number[] },
): Float32Array {
  const area = shape[2] * shape[3];
  return pixels.map((value, i) => {
    const channel = Math.floor(i / area) % shape[1];
    return (value - mean[channel]) / std[channel];
  });
}

/** Standard deviation and root mean square of all outputs. */
function spread(lists: readonly Float32Array[]): { std: number; magnitude: number } {
  let count = 0;
  let sum = 0;
  let squares = 0;
  for (const list of lists) {
    count += list.length;
    for (const value of list) {
      sum += value;
      squares += value * value;
    }
  }
  const mean = sum / count;
  return { std: Math.sqrt(Math.max(0, squares / count - mean * mean)), magnitude: Math.sqrt(squares / count) };
}

export function mismatch(what: string): OnnxError {
  return new OnnxError({
    code: 'mismatch',
    message: `the ONNX file does not compute what the model computes: ${what}`,
    hint: 'The file was not kept; please report the model, this is a fault of the export',
  });
}
