/** Operators that work element by element. */
import type { Call, Mapping } from '../call.ts';
import { DATA_TYPES, float, type Graph, int, type Value } from '../graph.ts';

/** One ONNX operator of the same meaning. */
const unary =
  (type: string): Mapping =>
  (call, graph) =>
    graph.node(type, [call.value('self')]);

/** `other` times `alpha`, in the dtype of the result; it is a tensor or a number. */
function scaledOther(call: Call, graph: Graph): Value {
  const dtype = call.outputDtype();
  const alpha = call.number('alpha');
  if (!call.isTensor('other')) return graph.scalar(call.number('other') * alpha, dtype);
  const other = inOutputDtype(call, graph, 'other');
  return alpha === 1 ? other : graph.node('Mul', [other, graph.scalar(alpha, dtype)]);
}

/** PyTorch widens the dtypes of operands to a common one; ONNX wants that said. */
function inOutputDtype(call: Call, graph: Graph, name: string): Value {
  const dtype = call.outputDtype();
  if (!call.isTensor(name)) return graph.scalar(call.number(name), dtype);
  const value = call.value(name);
  return call.dtype(name) === dtype ? value : graph.node('Cast', [value], { to: int(DATA_TYPES[dtype]) });
}

const add: Mapping = (call, graph) => graph.node('Add', [inOutputDtype(call, graph, 'self'), scaledOther(call, graph)]);
const sub: Mapping = (call, graph) => graph.node('Sub', [inOutputDtype(call, graph, 'self'), scaledOther(call, graph)]);
const rsub: Mapping = (call, graph) => {
  if (call.number('alpha') !== 1) throw call.unsupported('rsub with alpha');
  return graph.node('Sub', [inOutputDtype(call, graph, 'other'), inOutputDtype(call, graph, 'self')]);
};
const binary =
  (type: string): Mapping =>
  (call, graph) =>
    graph.node(type, [inOutputDtype(call, graph, 'self'), inOutputDtype(call, graph, 'other')]);
const pow: Mapping = (call, graph) => graph.node('Pow', [call.value('self'), inOutputDtype(call, graph, 'exponent')]);

function clip(call: Call, graph: Graph, min: number | null, max: number | null): Value {
  const bound = (value: number | null) => (value === null ? null : graph.scalar(value, call.outputDtype()));
  return graph.node('Clip', [call.value('self'), bound(min), bound(max)]);
}
const clamp: Mapping = (call, graph) => clip(call, graph, call.optionalNumber('min'), call.optionalNumber('max'));
const hardtanh: Mapping = (call, graph) => clip(call, graph, call.number('min_val'), call.number('max_val'));

const silu: Mapping = (call, graph) => {
  const x = call.value('self');
  return graph.node('Mul', [x, graph.node('Sigmoid', [x])]);
};

/** x Φ(x); written out before opset 20, in the form that runtimes recognise and fuse. */
const gelu: Mapping = (call, graph) => {
  const x = call.value('self');
  const approximate = call.text('approximate') ?? 'none';
  if (graph.opset >= 20) return graph.node('Gelu', [x], { approximate: { string: approximate } });
  const scalar = (value: number) => graph.scalar(value, 'float32');
  const half = (gate: Value) =>
    graph.node('Mul', [graph.node('Mul', [x, graph.node('Add', [gate, scalar(1)])]), scalar(0.5)]);
  if (approximate === 'none') return half(graph.node('Erf', [graph.node('Div', [x, scalar(Math.SQRT2)])]));
  const cube = graph.node('Pow', [x, scalar(3)]);
  const inner = graph.node('Add', [x, graph.node('Mul', [cube, scalar(0.044715)])]);
  return half(graph.node('Tanh', [graph.node('Mul', [inner, scalar(Math.sqrt(2 / Math.PI))])]));
};

export const pointwise: Record<string, Mapping> = {
  'aten::add.Tensor': add,
  'aten::add.Scalar': add,
  'aten::sub.Tensor': sub,
  'aten::sub.Scalar': sub,
  'aten::rsub.Scalar': rsub,
  'aten::mul.Tensor': binary('Mul'),
  'aten::mul.Scalar': binary('Mul'),
  'aten::div.Tensor': binary('Div'),
  'aten::div.Scalar': binary('Div'),
  'aten::maximum': binary('Max'),
  'aten::minimum': binary('Min'),
  'aten::pow.Tensor_Scalar': pow,
  'aten::pow.Tensor_Tensor': pow,
  'aten::neg': unary('Neg'),
  'aten::abs': unary('Abs'),
  'aten::exp': unary('Exp'),
  'aten::log': unary('Log'),
  'aten::sqrt': unary('Sqrt'),
  'aten::erf': unary('Erf'),
  'aten::reciprocal': unary('Reciprocal'),
  'aten::rsqrt': (call, graph) => graph.node('Reciprocal', [graph.node('Sqrt', [call.value('self')])]),
  'aten::square': (call, graph) => graph.node('Mul', [call.value('self'), call.value('self')]),
  'aten::sigmoid': unary('Sigmoid'),
  'aten::tanh': unary('Tanh'),
  'aten::relu': unary('Relu'),
  'aten::relu6': (call, graph) => clip(call, graph, 0, 6),
  'aten::leaky_relu': (call, graph) =>
    graph.node('LeakyRelu', [call.value('self')], { alpha: float(call.number('negative_slope')) }),
  'aten::clamp': clamp,
  'aten::clamp_min': (call, graph) => clip(call, graph, call.number('min'), null),
  'aten::hardtanh': hardtanh,
  'aten::hardswish': unary('HardSwish'),
  'aten::hardsigmoid': (call, graph) =>
    graph.node('HardSigmoid', [call.value('self')], { alpha: float(1 / 6), beta: float(0.5) }),
  'aten::silu': silu,
  'aten::gelu': gelu,
};
