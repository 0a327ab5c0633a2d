import { fromTypedArray, type nn, type Tensor, tidy } from '@fovea/torch';
import packageJson from '../package.json' with { type: 'json' };
import { convertTrace } from './convert.ts';
import { encodeModel, type Port } from './encode.ts';
import { deviceOf, evaluating } from './evaluating.ts';
import { Graph, type Value } from './graph.ts';
import { IMAGE_SIZE_KEY } from './image-size.ts';
import { OnnxError } from './onnx-error.ts';
import { testImages } from './test-images.ts';
import { traceModel } from './trace.ts';

export interface ExportOptions {
  /** [N, C, H, W] of the input. */
  inputShape: readonly number[];
  inputName?: string;
  outputName?: string;
  /** Whether the graph takes any number of images (the default), or only N. */
  dynamicBatch?: boolean;
  /** Version of ONNX's operator set, 17 … 21. */
  opset?: number;
  /**
   * Bakes `(x − mean) / std` into the graph, which then takes pixel values 0 … 1 (`enable_onnx_normalization`).
   * Else the caller normalises.
   */
  normalisation?: { mean: readonly number[]; std: readonly number[] };
  /** Written into the file's metadata, e.g. labels as JSON. */
  metadata?: Readonly<Record<string, string>>;
}

/**
 * How much higher and wider the images are with which it is tried whether the graph depends on their size. The two differ, as they
 * would else be mistaken for one another.
 */
const SIZE_PROBE = [32, 64];

/**
 * An ONNX file that computes what `model` computes in evaluation mode. The forward pass is run on random images, the dispatcher calls
 * it makes are mapped operator by operator, and weights become initialisers under their checkpoint names.
 *
 * The file takes `inputName` float32 [N, C, H, W] with N open, and gives `outputName`. The model's mode and the engine's random
 * generators are left as they were. Check the file with `verifyOnnx` before it is used.
 *
 * @throws OnnxError for an operator that has no ONNX form, a model that is not float32, or a file over 2 GiB
 */
export function exportOnnx(model: nn.Module, options: ExportOptions): Uint8Array {
  const { inputShape, inputName = 'input1', outputName = 'output1', dynamicBatch = true, opset = 17 } = options;
  if (!Number.isInteger(opset) || opset < 17 || opset > 21) {
    throw new RangeError(`opset ${opset} cannot be written; 17 … 21 can`);
  }
  const [batch, channels, height, width] = inputShape;
  const base = dynamicBatch ? [2, channels, height, width] : [batch, channels, height, width];
  const otherBatch = dynamicBatch ? [[3, channels, height, width]] : [];
  const otherSize = [base[0], channels, height + SIZE_PROBE[0], width + SIZE_PROBE[1]];

  const device = deviceOf(model);
  const image = (shape: readonly number[]): Tensor => fromTypedArray(testImages(shape), [...shape]).to({ device });

  const write = (shapes: readonly (readonly number[])[], imageSize: 'any' | 'fixed'): Uint8Array => {
    const trace = traceModel(model, shapes, image);
    if (trace.outputs.length > 1)
      throw new OnnxError({
        code: 'unsuitable-model',
        message: 'a classifier that returns one tensor can be exported',
      });
    const graph = new Graph(inputName, opset);
    const start = options.normalisation ? normalised(graph, options.normalisation) : inputName;
    const [value] = convertTrace(trace, graph, start, stateNames(model));
    const output = value === inputName ? graph.node('Identity', [value]) : value;
    const port = (name: string, shape: readonly number[]): Port => ({
      name,
      shape: dynamicBatch ? ['batch', ...shape.slice(1)] : shape,
    });
    return encodeModel({
      ...graph.finish(new Map([[output, outputName]])),
      input: port(inputName, inputShape),
      outputs: [port(outputName, trace.outputs[0].shape)],
      opset,
      producer: { name: 'fovea', version: packageJson.version },
      metadata: { ...options.metadata, [IMAGE_SIZE_KEY]: imageSize },
    });
  };
  return evaluating(model, () => {
    try {
      return tidy(() => write([base, ...otherBatch, otherSize], 'any'));
    } catch {
      // The model takes one size only (position embeddings, fixed pooling): that is no failure.
      return tidy(() => write([base, ...otherBatch], 'fixed'));
    }
  });
}

export function normalised(graph: Graph, { mean, std }: { mean: readonly number[]; std: readonly number[] }): Value {
  const channels = [1, mean.length, 1, 1];
  return graph.node('Div', [
    graph.node('Sub', [graph.input, graph.floats(mean, channels)]),
    graph.floats(std, channels),
  ]);
}

/** Parameters and buffers by their checkpoint names. */
export function stateNames(model: nn.AnyModule): Map<Tensor, string> {
  return new Map<Tensor, string>(
    [...model.namedParameters(), ...model.namedBuffers()].map(([name, tensor]) => [tensor, name]),
  );
}
