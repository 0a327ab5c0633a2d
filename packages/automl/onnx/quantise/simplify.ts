import {
  DataType,
  type EditableGraph,
  floatAttribute,
  floatsOf,
  GraphIndex,
  intAttribute,
  integersOf,
  intsAttribute,
  isFloat,
  type NodeProto,
  shapeOf,
} from './editable-graph.ts';

/**
 * Brings a graph into the form that is quantised, without a change of what it computes: batch normalisation becomes part of the
 * convolution before it, a transposed weight a weight, and a mean over all pixels the operator that has an integer form.
 */
export function simplify(graph: EditableGraph): void {
  foldBatchNorm(graph);
  foldTransposedWeights(graph);
  poolGlobally(graph);
  graph.dropUnusedConstants();
}

/** `γ (W x + b − μ) / √(σ² + ε) + β` is a convolution too: weights γ W / √(σ² + ε), bias γ (b − μ) / √(σ² + ε) + β. */
function foldBatchNorm(graph: EditableGraph): void {
  const index = new GraphIndex(graph);
  const gone = new Set<NodeProto>();
  for (const norm of graph.nodes) {
    if (norm.opType !== 'BatchNormalization') continue;
    const conv = index.producer(norm.input[0]);
    if (conv?.opType !== 'Conv' || index.onlyConsumer(conv.output[0]) !== norm) continue;
    const weight = index.constant(conv.input[1]);
    const given = index.constant(conv.input[2]);
    const statistics = norm.input.slice(1).map((name) => index.constant(name));
    if (!isFloat(weight) || (conv.input[2] && !isFloat(given)) || !statistics.every(isFloat)) continue;

    const [gamma, beta, mean, variance] = statistics.map(floatsOf);
    const epsilon = floatAttribute(norm, 'epsilon', 1e-5);
    const bias = given ? floatsOf(given) : new Float32Array(gamma.length);
    const factors = Float64Array.from(gamma, (value, c) => value / Math.sqrt(variance[c] + epsilon));
    const weights = floatsOf(weight);
    const each = weights.length / gamma.length;
    const scaled = weights.map((value, i) => value * factors[Math.floor(i / each)]);
    const shifted = bias.map((value, c) => (value - mean[c]) * factors[c] + beta[c]);
    conv.input = [
      conv.input[0],
      graph.addFloats(`${weight.name}.folded`, shapeOf(weight), scaled),
      graph.addFloats(`${weight.name}.folded_bias`, [gamma.length], shifted),
    ];
    conv.output = [norm.output[0]];
    gone.add(norm);
  }
  graph.nodes = graph.nodes.filter((node) => !gone.has(node));
}

/** `x Wᵀ` is written with a node that transposes the constant. */
function foldTransposedWeights(graph: EditableGraph): void {
  const index = new GraphIndex(graph);
  const gone = new Set<NodeProto>();
  for (const node of graph.nodes) {
    if (node.opType !== 'Transpose' || index.isOutput(node.output[0])) continue;
    const weight = index.constant(node.input[0]);
    if (!isFloat(weight) || weight.dims.length !== 2) continue;
    if ((intsAttribute(node, 'perm') ?? [1, 0]).join() !== '1,0') continue;
    const [rows, columns] = shapeOf(weight);
    const values = floatsOf(weight);
    const turned = new Float32Array(values.length);
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) turned[column * rows + row] = values[row * columns + column];
    const name = graph.addFloats(`${weight.name}.transposed`, [columns, rows], turned);
    for (const consumer of index.consumers(node.output[0]))
      consumer.input = consumer.input.map((value) => (value === node.output[0] ? name : value));
    gone.add(node);
  }
  graph.nodes = graph.nodes.filter((node) => !gone.has(node));
}

function poolGlobally(graph: EditableGraph): void {
  const index = new GraphIndex(graph);
  for (const node of graph.nodes) {
    if (node.opType !== 'ReduceMean' || intAttribute(node, 'keepdims', 1) !== 1) continue;
    // From operator set 18 on the axes are an input.
    const given = index.constant(node.input[1]);
    const axes = given?.dataType === DataType.INT64 ? integersOf(given) : intsAttribute(node, 'axes');
    // Axes from the end could be those of any rank; a convolution's output has four.
    const isOfImage = index.producer(node.input[0]) !== undefined && isSpatial(index, node.input[0]);
    if (
      !axes ||
      !isOfImage ||
      axes
        .map((axis) => (axis + 4) % 4)
        .sort()
        .join() !== '2,3'
    )
      continue;
    node.opType = 'GlobalAveragePool';
    node.input = [node.input[0]];
    node.attribute = [];
  }
}

/** Operators that give `[N, C, H, W]` when they are given it. */
const SAME_RANK = new Set([
  'Relu',
  'Clip',
  'Add',
  'Mul',
  'Sigmoid',
  'Split',
  'MaxPool',
  'AveragePool',
  'BatchNormalization',
]);

/** Whether a value comes from a convolution through operators that leave its rank. */
function isSpatial(index: GraphIndex, value: string, depth = 0): boolean {
  const node = index.producer(value);
  if (node === undefined || depth > 16) return false;
  if (node.opType === 'Conv') return index.constant(node.input[1])?.dims.length === 4;
  return SAME_RANK.has(node.opType) && isSpatial(index, node.input[0], depth + 1);
}
