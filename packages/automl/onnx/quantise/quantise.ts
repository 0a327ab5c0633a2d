import { OnnxError } from '../onnx-error.ts';
import { EditableGraph, GraphIndex } from './editable-graph.ts';
import { comparableValues, relativeError, valuesOf } from './fidelity.ts';
import { type CalibrationInputs, firstOf, observe, type RunOptions } from './observe.ts';
import { planQuantisation, type QuantisationPlan } from './plan.ts';
import { affine, chooseRange, RANGE_METHODS, type RangeMethod } from './ranges.ts';
import { insertQuantisation } from './rewrite.ts';
import { simplify } from './simplify.ts';

/** A model whose convolutions and products with weights are computed with integers. */
export interface QuantisedModel {
  readonly onnx: Uint8Array;
  /** By which the ranges were chosen: the one whose model came nearest to the float one. */
  readonly method: RangeMethod;
  /** Of each method how far what the network says is from what it said in float: mean squared difference over variance. */
  readonly errors: Readonly<Partial<Record<RangeMethod, number>>>;
  /** How many inputs the ranges are of. */
  readonly inputs: number;
  /** Layers with weights: with integers, and left in float. */
  readonly layers: { readonly int8: number; readonly float: number };
}

export interface QuantiseOptions extends RunOptions {
  /** Part of the work that is done, 0 … 1. */
  readonly onProgress?: (part: number) => void;
}

const NO_INPUTS = 'quantisation needs inputs to see the ranges of activations with, and there is none';

/** Inputs on which the methods are compared. */
const COMPARED = 16;

const LEAST_OPSET = 13;

/** Part of the work that is observation; the rest is trying the methods. */
const OBSERVING = 0.7;

/**
 * A static INT8 form of an ONNX model: weights int8, symmetric, with a scale for each output channel; activations uint8 with one scale
 * and zero point for each tensor, from what they are for the inputs given; biases int32. Written with QuantizeLinear and
 * DequantizeLinear (QDQ), from which ONNX Runtime and others make operators of integers. Inputs and outputs are the same as before.
 *
 * @param bytes float32, operator set 13 or later; a checked file (`inspectOnnx`)
 * @param inputs some dozens of such as the model is for
 * @throws OnnxError when there is nothing that could be quantised, RangeError without inputs or for values that are not finite
 */
export async function quantiseOnnx(
  bytes: Uint8Array,
  inputs: CalibrationInputs,
  { onProgress, ...options }: QuantiseOptions = {},
): Promise<QuantisedModel> {
  if (inputs.count < 1) throw new RangeError(NO_INPUTS);
  const graph = new EditableGraph(bytes);
  simplify(graph);
  const index = new GraphIndex(graph);
  const wanted = planQuantisation(graph, index);
  const obstacle = obstacleIn(graph, wanted);
  if (obstacle) {
    throw new OnnxError({ code: 'unsuitable-model', message: `the ONNX file cannot be quantised: ${obstacle}` });
  }
  const scaled = [...new Set(wanted.values.values())];
  const { histograms, seen } = await observe(graph, scaled, inputs, {
    ...options,
    onProgress: (part) => onProgress?.(OBSERVING * part),
  });
  if (seen === 0) throw new RangeError(NO_INPUTS);
  // Where nothing was found in any image, nothing is known of the layers that look at what was found.
  const unseen = new Set(scaled.filter((value) => histograms.get(value)?.count === 0));
  const plan = planQuantisation(graph, index, unseen);
  const scalesBy = (method: RangeMethod) =>
    new Map(Array.from(histograms, ([value, histogram]) => [value, affine(chooseRange(histogram, method))]));

  const simplified = graph.write();
  const compared = comparableValues(graph, index, plan);
  const few = firstOf(inputs, COMPARED);
  const expected = await valuesOf(graph, compared, few, options);
  const errors: Partial<Record<RangeMethod, number>> = {};
  let best: { method: RangeMethod; graph: EditableGraph } | undefined;
  for (const [i, method] of RANGE_METHODS.entries()) {
    const tried = new EditableGraph(simplified);
    insertQuantisation(tried, planQuantisation(tried, new GraphIndex(tried), unseen), scalesBy(method));
    const error = relativeError(expected, await valuesOf(tried, compared, few, options));
    if (best === undefined || error < (errors[best.method] ?? Number.POSITIVE_INFINITY))
      best = { method, graph: tried };
    errors[method] = error;
    onProgress?.(OBSERVING + ((1 - OBSERVING) * (i + 1)) / RANGE_METHODS.length);
  }
  if (best === undefined) throw new RangeError('no method to choose ranges by');
  return {
    onnx: best.graph.write(),
    method: best.method,
    errors,
    inputs: seen,
    layers: { int8: plan.weighted.size, float: plan.left },
  };
}

/** Why a graph cannot be quantised; null: it can. */
function obstacleIn({ opset, nodes }: EditableGraph, { weighted }: QuantisationPlan): string | null {
  if (opset < LEAST_OPSET)
    return `it is of operator set ${opset}, and a scale for each channel needs ${LEAST_OPSET} or later`;
  if (nodes.some(({ opType }) => opType === 'DequantizeLinear')) return 'it is quantised already';
  return weighted.size === 0 ? 'it has no convolutions or products with constant weights' : null;
}
