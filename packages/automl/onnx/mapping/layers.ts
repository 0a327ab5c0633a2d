/** Convolutions, normalisations, pooling, products of matrices, softmax. */
import type { Call, Mapping } from '../call.ts';
import { type Attribute, float, type Graph, int, ints, string, type Value } from '../graph.ts';

function convolution(call: Call, graph: Graph, pads: number[]): Value {
  return graph.node('Conv', [call.value('input'), call.value('weight'), call.optional('bias')], {
    kernel_shape: ints([call.size('weight', 2), call.size('weight', 3)]),
    strides: ints(call.ints('stride', 2)),
    dilations: ints(call.ints('dilation', 2)),
    pads: ints(pads),
    group: int(call.int('groups')),
  });
}

const conv2d: Mapping = (call, graph) => {
  const [y, x] = call.ints('padding', 2);
  return convolution(call, graph, [y, x, y, x]);
};

/** Padding in words: 'valid' is none, 'same' keeps the size at stride 1, the odd pixel below and to the right. */
const conv2dWithNamedPadding: Mapping = (call, graph) => {
  if (call.text('padding') === 'valid') return convolution(call, graph, [0, 0, 0, 0]);
  const total = call.ints('dilation', 2).map((dilation, i) => dilation * (call.size('weight', 2 + i) - 1));
  const before = total.map((pixels) => Math.floor(pixels / 2));
  return convolution(call, graph, [...before, ...total.map((pixels, i) => pixels - before[i])]);
};

const convolutionOrTransposed: Mapping = (call, graph) =>
  call.flag('transposed') ? convTranspose2d(call, graph) : conv2d(call, graph);

const convTranspose2d: Mapping = (call, graph) => {
  const [y, x] = call.ints('padding', 2);
  return graph.node('ConvTranspose', [call.value('input'), call.value('weight'), call.optional('bias')], {
    kernel_shape: ints([call.size('weight', 2), call.size('weight', 3)]),
    strides: ints(call.ints('stride', 2)),
    dilations: ints(call.ints('dilation', 2)),
    pads: ints([y, x, y, x]),
    output_padding: ints(call.ints('output_padding', 2)),
    group: int(call.int('groups')),
  });
};

const batchNorm: Mapping = (call, graph) => {
  if (call.flag('training')) throw call.unsupported('batch norm that normalises by its batch has no fixed graph');
  const channels = call.size('input', 1);
  const orConstant = (name: string, value: number) =>
    call.optional(name) ?? graph.floats(new Array(channels).fill(value), [channels]);
  const inputs = [
    call.value('input'),
    orConstant('weight', 1),
    orConstant('bias', 0),
    call.value('running_mean'),
    call.value('running_var'),
  ];
  return graph.node('BatchNormalization', inputs, { epsilon: float(call.number('eps')) });
};

const layerNorm: Mapping = (call, graph) => {
  const shape = call.ints('normalized_shape');
  const scale = call.optional('weight') ?? graph.floats(new Array(shape.reduce((a, b) => a * b, 1)).fill(1), shape);
  return graph.node('LayerNormalization', [call.value('input'), scale, call.optional('bias')], {
    axis: int(-shape.length),
    epsilon: float(call.number('eps')),
  });
};

/** Windows of a pooling, with what must be padded at the ends so that ONNX makes as many of them as PyTorch did. */
interface Windows {
  attributes: Record<string, Attribute>;
  /** Whether the last window reaches beyond the padding that was asked for. */
  overhangs: boolean;
}

/**
 * With `ceil_mode`, PyTorch drops a last window that would begin in the padding, and ONNX Runtime does not. Where steps are too short
 * for that the two agree; else the number of windows is forced by padding at the ends, which is right for one input size only.
 */
function windows(call: Call): Windows {
  const kernel = call.ints('kernel_size', 2);
  const given = call.ints('stride', 2);
  const strides = given.length === 0 ? kernel : given;
  const padding = call.ints('padding', 2);
  const dilations = call.has('dilation') ? call.ints('dilation', 2) : [1, 1];
  const reach = kernel.map((size, axis) => dilations[axis] * (size - 1) + 1);
  const attributes: Record<string, Attribute> = {
    kernel_shape: ints(kernel),
    strides: ints(strides),
    pads: ints([...padding, ...padding]),
  };
  if (dilations.some((dilation) => dilation !== 1)) attributes.dilations = ints(dilations);

  if (!call.flag('ceil_mode')) return { attributes, overhangs: false };
  if (strides.every((stride, axis) => stride <= reach[axis] - padding[axis])) {
    return { attributes: { ...attributes, ceil_mode: int(1) }, overhangs: true };
  }
  const ends = padding.map((_, axis) => {
    const covered = (call.outputSize(0, 2 + axis) - 1) * strides[axis] + reach[axis];
    return Math.max(padding[axis], covered - call.size('self', 2 + axis) - padding[axis]);
  });
  return { attributes: { ...attributes, pads: ints([...padding, ...ends]) }, overhangs: true };
}

const maxPool2d: Mapping = (call, graph) => graph.node('MaxPool', [call.value('self')], windows(call).attributes);

const avgPool2d: Mapping = (call, graph) => {
  if (call.optionalNumber('divisor_override') !== null) throw call.unsupported('average pooling with its own divisor');
  const padded = call.ints('padding', 2).some((pixels) => pixels > 0);
  const { attributes, overhangs } = windows(call);
  const countsPadding = padded && call.flag('count_include_pad');
  if (countsPadding && overhangs) throw call.unsupported('average pooling that counts padding, with ceil_mode');
  return graph.node('AveragePool', [call.value('self')], {
    ...attributes,
    count_include_pad: int(countsPadding ? 1 : 0),
  });
};

const adaptiveAvgPool2d: Mapping = (call, graph) => {
  const target = call.ints('output_size', 2);
  if (target.every((size) => size === 1)) return graph.node('GlobalAveragePool', [call.value('self')]);
  const kernel = target.map((size, axis) => call.size('self', 2 + axis) / size);
  if (!kernel.every(Number.isInteger))
    throw call.unsupported(`adaptive pooling to ${target.join(' × ')} with windows of unequal size`);
  return graph.node('AveragePool', [call.value('self')], { kernel_shape: ints(kernel), strides: ints(kernel) });
};

const transposed = (value: Value, graph: Graph) => graph.node('Transpose', [value], { perm: ints([1, 0]) });

const linear: Mapping = (call, graph) => {
  const [x, weight, bias] = [call.value('input'), call.value('weight'), call.optional('bias')];
  if (call.rank('input') === 2) return graph.node('Gemm', [x, weight, bias], { transB: int(1) });
  const product = graph.node('MatMul', [x, transposed(weight, graph)]);
  return bias === null ? product : graph.node('Add', [product, bias]);
};

const addmm: Mapping = (call, graph) =>
  graph.node('Gemm', [call.value('mat1'), call.value('mat2'), call.value('self')], {
    alpha: float(call.number('alpha')),
    beta: float(call.number('beta')),
  });

/** Every pixel several times over. Sizes that are not whole multiples would be sampled in ways that runtimes differ in. */
const upsampleNearest: Mapping = (call, graph) => {
  const to = call.outputShapes();
  const factors = [2, 3].map((dim) => call.shapes('self').map((shape, pass) => to[pass][dim] / shape[dim]));
  if (!factors.every((factor) => Number.isInteger(factor[0]) && factor.every((other) => other === factor[0])))
    throw call.unsupported('enlarging by other than whole factors');
  const scales = graph.floats([1, 1, factors[0][0], factors[1][0]], [4]);
  return graph.node('Resize', [call.value('self'), null, scales], {
    mode: string('nearest'),
    coordinate_transformation_mode: string('asymmetric'),
    nearest_mode: string('floor'),
  });
};

const softmax =
  (type: string): Mapping =>
  (call, graph) =>
    graph.node(type, [call.value('self')], { axis: int(call.int('dim')) });

export const layers: Record<string, Mapping> = {
  'aten::conv2d': conv2d,
  'aten::conv2d.padding': conv2dWithNamedPadding,
  'aten::convolution': convolutionOrTransposed,
  'aten::conv_transpose2d.input': convTranspose2d,
  'aten::batch_norm': batchNorm,
  'aten::layer_norm': layerNorm,
  'aten::max_pool2d': maxPool2d,
  'aten::avg_pool2d': avgPool2d,
  'aten::adaptive_avg_pool2d': adaptiveAvgPool2d,
  'aten::upsample_nearest2d': upsampleNearest,
  'aten::linear': linear,
  'aten::addmm': addmm,
  'aten::matmul': (call, graph) => graph.node('MatMul', [call.value('self'), call.value('other')]),
  'aten::bmm': (call, graph) => graph.node('MatMul', [call.value('self'), call.value('mat2')]),
  'aten::softmax.int': softmax('Softmax'),
  'aten::_softmax': softmax('Softmax'),
  'aten::log_softmax.int': softmax('LogSoftmax'),
};
