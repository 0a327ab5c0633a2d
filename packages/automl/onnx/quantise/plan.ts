import {
  type EditableGraph,
  floatAttribute,
  floatsOf,
  type GraphIndex,
  intAttribute,
  isFloat,
  type NodeProto,
  stringAttribute,
} from './editable-graph.ts';

/** What of a graph is to be computed with integers. */
export interface QuantisationPlan {
  /** Nodes with weights, whose weights become int8. */
  readonly weighted: ReadonlySet<NodeProto>;
  /** How many such nodes are left in float. */
  readonly left: number;
  /** Rectifiers that the quantisation of their output replaces: what they cut off lies outside of its range. */
  readonly absorbed: ReadonlySet<NodeProto>;
  /** Values that become uint8, and the value whose scale each takes: its own, or that of the one that it is a copy of. */
  readonly values: ReadonlyMap<string, string>;
  /** Of these, those that are made with integers: who uses them gets them so. */
  readonly produced: ReadonlySet<string>;
}

/** Operators without weights that ONNX Runtime computes with integers. */
const ARITHMETIC = new Set(['Add', 'Mul', 'Sigmoid', 'Concat', 'AveragePool', 'GlobalAveragePool']);
/** The same, of such as give values that they are given. */
const COPYING = new Set(['MaxPool', 'Resize', 'Split', 'Flatten', 'Reshape', 'Transpose']);
/** Operators that are left in float and want the values of a trunk, beside those with weights. */
const READERS = new Set(['RoiAlign', 'ConvTranspose']);

/**
 * Convolutions whose results go on into other layers are computed with integers, with all that lies between them; so are products with
 * weights, whose results stay float where no layer of integers follows. The last convolutions before boxes, scores and masks stay
 * float: they are a small part of the work, and their rounding would be that of the answer. So does all that ONNX Runtime has no
 * integers for: normalisation of layers, attention, boxes, suppression.
 *
 * @param unseen values of which nothing is known; what is made of them is left in float
 */
export function planQuantisation(
  graph: EditableGraph,
  index: GraphIndex,
  unseen: ReadonlySet<string> = new Set(),
): QuantisationPlan {
  const layers = new Set(graph.nodes.filter((node) => isLayer(node, index)));
  const goesOn = reachesLayer(index, layers);
  const weighted = new Set<NodeProto>();
  const absorbed = new Set<NodeProto>();
  const values = new Map<string, string>();
  const produced = new Set<string>();
  const produce = (value: string, like = value) => {
    values.set(value, values.get(like) ?? value);
    produced.add(value);
  };
  /** The value after a rectifier that alone uses it. */
  const rectified = (value: string): string => {
    const next = index.onlyConsumer(value);
    if (next === undefined || !isRectifier(next, index)) return value;
    absorbed.add(next);
    return next.output[0];
  };

  const unknown = new Set(unseen);

  for (const node of graph.nodes) {
    const [output] = node.output;
    if (node.input.some((value) => unknown.has(value))) {
      for (const value of node.output) unknown.add(value);
      continue;
    }
    if (layers.has(node)) {
      const continues = goesOn(output);
      if (node.opType === 'Conv' && !continues) continue;
      weighted.add(node);
      if (!values.has(node.input[0])) values.set(node.input[0], node.input[0]);
      // A product with weights may give float at once.
      if (continues && node.opType !== 'MatMul') produce(rectified(output));
    } else if (absorbed.has(node)) {
    } else if (COPYING.has(node.opType) && produced.has(node.input[0]) && node.output.some(goesOn)) {
      if (node.opType === 'Resize' && stringAttribute(node, 'mode', 'nearest') !== 'nearest') continue;
      for (const copy of node.output) produce(copy, node.input[0]);
    } else if (ARITHMETIC.has(node.opType) && goesOn(output)) {
      const varies = node.input.every((value) => index.constant(value) === undefined);
      if (!varies || !node.input.some((value) => produced.has(value))) continue;
      for (const value of node.input) if (!values.has(value)) values.set(value, value);
      produce(node.opType === 'Add' ? rectified(output) : output);
    }
  }
  const left = layers.size - weighted.size;
  return { weighted, left, absorbed, values, produced };
}

/** Whether a node is a convolution or a product with constant weights. */
function isLayer(node: NodeProto, index: GraphIndex): boolean {
  const weight = index.constant(node.input[1]);
  if (!isFloat(weight)) return false;
  const bias = node.input[2];
  if (bias && !isFloat(index.constant(bias))) return false;
  switch (node.opType) {
    case 'Conv':
      return weight.dims.length === 4;
    case 'Gemm':
      return (
        floatAttribute(node, 'alpha', 1) === 1 &&
        floatAttribute(node, 'beta', 1) === 1 &&
        intAttribute(node, 'transA', 0) === 0 &&
        (!bias || index.constant(bias)?.dims.length === 1)
      );
    case 'MatMul':
      return weight.dims.length === 2;
    default:
      return false;
  }
}

/** `max(x, 0)`, or the same with an end above. */
function isRectifier(node: NodeProto, index: GraphIndex): boolean {
  if (node.opType === 'Relu') return true;
  if (node.opType !== 'Clip') return false;
  const low = index.constant(node.input[1]);
  const high = index.constant(node.input[2]);
  return isFloat(low) && floatsOf(low)[0] === 0 && (!node.input[2] || (isFloat(high) && floatsOf(high)[0] > 0));
}

/** Whether a value comes to a layer through operators that may be computed with integers. */
function reachesLayer(index: GraphIndex, layers: ReadonlySet<NodeProto>): (value: string) => boolean {
  const known = new Map<string, boolean>();
  const passes = ({ opType }: NodeProto) =>
    ARITHMETIC.has(opType) || COPYING.has(opType) || opType === 'Relu' || opType === 'Clip';
  const reaches = (value: string): boolean => {
    let answer = known.get(value);
    if (answer === undefined) {
      answer =
        !index.isOutput(value) &&
        index.consumers(value).some((node) => {
          if (layers.has(node) || READERS.has(node.opType)) return node.input[0] === value;
          return passes(node) && node.output.some(reaches);
        });
      known.set(value, answer);
    }
    return answer;
  };
  return reaches;
}
