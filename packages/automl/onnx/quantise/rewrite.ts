import {
  DataType,
  type EditableGraph,
  floatsOf,
  GraphIndex,
  int,
  intAttribute,
  type NodeProto,
  shapeOf,
} from './editable-graph.ts';
import type { QuantisationPlan } from './plan.ts';
import type { Affine } from './ranges.ts';
import { leastScales, quantiseBias, quantiseWeights } from './weights.ts';

/**
 * Puts pairs of QuantizeLinear and DequantizeLinear around all that the plan wants computed with integers (the QDQ form). Runtimes
 * make operators of integers of what stands between such pairs; one that does not still computes the same numbers in float.
 *
 * @param scales of the values of the plan that have one of their own
 */
export function insertQuantisation(
  graph: EditableGraph,
  plan: QuantisationPlan,
  scales: ReadonlyMap<string, Affine>,
): void {
  const index = new GraphIndex(graph);
  const scaleOf = (value: string): Affine => {
    const scale = scales.get(plan.values.get(value) ?? value);
    if (!scale) throw new RangeError(`${value} has no scale`);
    return scale;
  };
  const parameters = new Map<string, { scale: string; zeroPoint: string }>();
  const parametersOf = (value: string) => {
    const source = plan.values.get(value) ?? value;
    let names = parameters.get(source);
    if (!names) {
      const { scale, zeroPoint } = scaleOf(source);
      names = {
        scale: graph.addFloats(`${source}_scale`, [], Float32Array.of(scale)),
        zeroPoint: graph.addConstant(`${source}_zero_point`, DataType.UINT8, [], Uint8Array.of(zeroPoint)),
      };
      parameters.set(source, names);
    }
    return names;
  };
  const nodes: NodeProto[] = [];
  /** Of each value of the plan its integers, and what they stand for. */
  const quantised = new Map<string, { integers: string; floats: string }>();
  const quantise = (value: string): void => {
    const { scale, zeroPoint } = parametersOf(value);
    const integers = graph.unused(`${value}_quantized`);
    const floats = graph.unused(`${value}_dequantized`);
    nodes.push(
      graph.node('QuantizeLinear', [value, scale, zeroPoint], [integers]),
      graph.node('DequantizeLinear', [integers, scale, zeroPoint], [floats]),
    );
    quantised.set(value, { integers, floats });
  };
  const wanted = (value: string, node: NodeProto): string => {
    const made = quantised.get(value);
    if (!made) return value;
    // Who asks for the shape alone need not have the numbers.
    if (node.opType === 'Shape') return plan.produced.has(value) ? made.integers : value;
    return plan.produced.has(value) || usesIntegers(node, value, plan) ? made.floats : value;
  };
  const layerWeights = weightsIn(graph);

  for (const value of graph.inputs) if (plan.values.has(value)) quantise(value);
  for (const node of graph.nodes) {
    if (plan.absorbed.has(node)) continue;
    const [data] = node.input;
    node.input = node.input.map((value) => wanted(value, node));
    if (plan.weighted.has(node)) nodes.push(...layerWeights(node, scaleOf(data).scale));
    const next = index.onlyConsumer(node.output[0]);
    if (next && plan.absorbed.has(next)) node.output = [next.output[0]];
    nodes.push(node);
    for (const value of node.output) if (plan.values.has(value)) quantise(value);
  }
  graph.nodes = nodes;
  graph.dropUnusedConstants();
}

/** Whether a node is one for which a value of the plan that others make in float was quantised. */
function usesIntegers(node: NodeProto, value: string, { weighted, produced }: QuantisationPlan): boolean {
  if (weighted.has(node)) return node.input[0] === value;
  return node.output.some((output) => produced.has(output));
}

/** Makes the weights of layers int8 and their biases int32; layers that share weights go on sharing them. */
function weightsIn(graph: EditableGraph): (layer: NodeProto, inputScale: number) => NodeProto[] {
  const constants = new GraphIndex(graph);
  const shared = new Map<string, { node: NodeProto; scales: Float32Array; floats: string }>();
  return (layer, inputScale) => {
    const weight = constants.constant(layer.input[1]);
    const bias = constants.constant(layer.input[2]);
    if (!weight) throw new RangeError(`${layer.name} has no constant weights`);
    const shape = shapeOf(weight);
    const transposed = layer.opType === 'MatMul' || (layer.opType === 'Gemm' && intAttribute(layer, 'transB', 0) === 0);
    const axis = transposed ? 1 : 0;
    const added: NodeProto[] = [];
    const biases = bias && floatsOf(bias);
    const floor = biases && leastScales(biases, inputScale);

    let made = shared.get(weight.name);
    if (made === undefined || floor?.some((least, c) => least > (made?.scales[c] ?? 0))) {
      const { values, scales } = quantiseWeights(floatsOf(weight), shape, axis, floor);
      const floats = graph.unused(`${weight.name}_dequantized`);
      const inputs = [
        graph.addConstant(`${weight.name}_quantized`, DataType.INT8, shape, values),
        graph.addFloats(`${weight.name}_scale`, [scales.length], scales),
        graph.addConstant(`${weight.name}_zero_point`, DataType.INT8, [scales.length], new Int8Array(scales.length)),
      ];
      const node = graph.node('DequantizeLinear', inputs, [floats], [int('axis', axis)]);
      made = { node, scales, floats };
      added.push(node);
      shared.set(weight.name, made);
    }
    const { scales } = made;
    layer.input[1] = made.floats;
    if (bias && biases) {
      const unit = graph.addFloats(
        `${layer.output[0]}_bias_scale`,
        [scales.length],
        scales.map((scale) => scale * inputScale),
      );
      const integers = graph.addConstant(
        `${bias.name}_quantized`,
        DataType.INT32,
        [biases.length],
        quantiseBias(biases, inputScale, scales),
      );
      const floats = graph.unused(`${bias.name}_dequantized`);
      added.push(graph.node('DequantizeLinear', [integers, unit], [floats], [int('axis', 0)]));
      layer.input[2] = floats;
    }
    return added;
  };
}
