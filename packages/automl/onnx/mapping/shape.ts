/** Operators that move elements without changing them, and reductions. */
import type { Call, Mapping } from '../call.ts';
import { DATA_TYPES, type Graph, int, ints, type Value } from '../graph.ts';

/** Copies, and views of the same elements in the same shape: nothing to do in a graph of values. */
const identity: Mapping = (call) => call.value('self');

const dropout: Mapping = (call) => {
  if (call.flag('train') && call.number('p') > 0) throw call.unsupported('dropout that drops has no fixed graph');
  return call.value('input');
};

const convert: Mapping = (call, graph) => {
  const x = call.value('self');
  const dtype = call.outputDtype();
  return call.dtype('self') === dtype ? x : graph.node('Cast', [x], { to: int(DATA_TYPES[dtype]) });
};

const sameInEveryPass = (values: readonly number[]) => values.every((value) => value === values[0]);

/** The sizes of a dimension over the passes, for each dimension. */
const byDimension = (shapes: readonly (readonly number[])[]) =>
  shapes[0].map((_, dim) => shapes.map((shape) => shape[dim]));

/** Whether two tensors have the same shape whatever the input's. */
const sameShapes = (a: readonly (readonly number[])[], b: readonly (readonly number[])[]) =>
  String(a) === String(b) && a[0].length === b[0].length;

/**
 * A shape as a value: fixed sizes as they are, sizes of a dimension of `self` from there, sizes that are k times the batch from the
 * input's. Used where ONNX's own short forms (0: as in the same dimension, −1: whatever is left) do not reach.
 *
 * @param mayLeaveOne whether one size that is none of these may be −1, which only a Reshape takes
 */
function shapeValue(
  call: Call,
  graph: Graph,
  sizes: readonly (readonly number[])[],
  { mayLeaveOne }: { mayLeaveOne: boolean },
): Value {
  if (sizes.every(sameInEveryPass)) return graph.ints(sizes.map(([size]) => size));
  const own = byDimension(call.shapes('self'));
  const sizeOf = (value: Value, dim: number) =>
    graph.node('Slice', [graph.node('Shape', [value]), graph.ints([dim]), graph.ints([dim + 1]), graph.ints([0])]);
  let canLeaveOne = mayLeaveOne;
  const parts = sizes.map((size) => {
    if (sameInEveryPass(size)) return graph.ints([size[0]]);
    const source = own.findIndex((other) => String(other) === String(size));
    if (source !== -1) return sizeOf(call.value('self'), source);
    const multiple = size[0] / call.batches[0];
    if (size.every((value, pass) => value === multiple * call.batches[pass])) {
      const batch = sizeOf(graph.input, 0);
      return multiple === 1 ? batch : graph.node('Mul', [batch, graph.ints([multiple])]);
    }
    if (!canLeaveOne) throw call.fixedBatch('a size of the result');
    canLeaveOne = false;
    return graph.ints([-1]);
  });
  return graph.node('Concat', parts, { axis: int(0) });
}

const reshape: Mapping = (call, graph) => {
  const x = call.value('self');
  const from = call.shapes('self');
  const to = call.outputShapes();
  if (sameShapes(from, to)) return x;
  const sizes = byDimension(to);
  const isCopied = sizes.map(
    (size, dim) => !sameInEveryPass(size) && String(size) === String(from.map((shape) => shape[dim])),
  );
  const open = sizes.flatMap((size, dim) => (sameInEveryPass(size) || isCopied[dim] ? [] : [dim]));
  if (open.length > 1) return graph.node('Reshape', [x, shapeValue(call, graph, sizes, { mayLeaveOne: true })]);
  return graph.node('Reshape', [
    x,
    graph.ints(sizes.map(([size], dim) => (isCopied[dim] ? 0 : dim === open[0] ? -1 : size))),
  ]);
};

const flatten: Mapping = (call, graph) => {
  const keepsFirst = call.dim('start_dim', 'self') === 1 && call.dim('end_dim', 'self') === call.rank('self') - 1;
  return keepsFirst && call.rank('self') > 2
    ? graph.node('Flatten', [call.value('self')], { axis: int(1) })
    : reshape(call, graph);
};

const expand: Mapping = (call, graph) => {
  const to = call.outputShapes();
  if (sameShapes(call.shapes('self'), to)) return call.value('self');
  return graph.node('Expand', [call.value('self'), shapeValue(call, graph, byDimension(to), { mayLeaveOne: false })]);
};

const transpose = (call: Call, graph: Graph, a: number, b: number): Value => {
  const order = Array.from({ length: call.rank('self') }, (_, dim) => dim);
  [order[a], order[b]] = [b, a];
  return graph.node('Transpose', [call.value('self')], { perm: ints(order) });
};

const permute: Mapping = (call, graph) => {
  const rank = call.rank('self');
  return graph.node('Transpose', [call.value('self')], {
    perm: ints(call.ints('dims').map((dim) => (dim + rank) % rank)),
  });
};

const squeeze = (x: Value, graph: Graph, dims: number[]): Value =>
  dims.length === 0 ? x : graph.node('Squeeze', [x, graph.ints(dims)]);

/** Removes the dimensions among `dims` that have size 1. */
const squeezeOnes = (call: Call, graph: Graph, dims: number[]): Value =>
  squeeze(
    call.value('self'),
    graph,
    dims.filter((dim) => call.shapes('self').every((shape) => shape[dim] === 1)),
  );

const slice = (graph: Graph, x: Value, dim: number, start: number, end: number, step = 1): Value =>
  graph.node('Slice', [x, graph.ints([start]), graph.ints([end]), graph.ints([dim]), graph.ints([step])]);

const sliceTensor: Mapping = (call, graph) => {
  const end = call.optionalNumber('end') ?? Number.MAX_SAFE_INTEGER;
  const start = call.optionalNumber('start') ?? 0;
  return slice(
    graph,
    call.value('self'),
    call.dim('dim', 'self'),
    start,
    Math.min(end, Number.MAX_SAFE_INTEGER),
    call.int('step'),
  );
};

const narrow: Mapping = (call, graph) =>
  slice(graph, call.value('self'), call.dim('dim', 'self'), call.int('start'), call.int('start') + call.int('length'));

/** Into the pieces that the call returned, whatever way it was told their sizes. */
const split: Mapping = (call, graph) => {
  const dim = call.dim('dim', 'self');
  const sizes = Array.from({ length: call.outputCount }, (_, i) => call.outputSize(i, dim));
  if (sizes.length === 1) return [call.value('self')];
  return graph.nodes('Split', [call.value('self'), graph.ints(sizes)], { axis: int(dim) }, sizes.length);
};

const unbind: Mapping = (call, graph) => {
  const dim = call.dim('dim', 'self');
  return Array.from({ length: call.outputCount }, (_, i) =>
    graph.node('Gather', [call.value('self'), graph.scalar(i, 'int64')], { axis: int(dim) }),
  );
};

const select: Mapping = (call, graph) =>
  graph.node('Gather', [call.value('self'), graph.scalar(call.int('index'), 'int64')], {
    axis: int(call.dim('dim', 'self')),
  });

const stack: Mapping = (call, graph) => {
  const rank = call.ranks('tensors')[0] + 1;
  const dim = (call.int('dim') + rank) % rank;
  const parts = call.values('tensors').map((x) => graph.node('Unsqueeze', [x, graph.ints([dim])]));
  return graph.node('Concat', parts, { axis: int(dim) });
};

/** PyTorch counts the last dimension first, ONNX all beginnings and then all ends. */
const pad: Mapping = (call, graph) => {
  const given = call.ints('pad');
  const rank = call.rank('self');
  const starts = new Array<number>(rank).fill(0);
  const ends = new Array<number>(rank).fill(0);
  for (let i = 0; i < given.length / 2; i++) {
    starts[rank - 1 - i] = given[2 * i];
    ends[rank - 1 - i] = given[2 * i + 1];
  }
  return graph.node('Pad', [
    call.value('self'),
    graph.ints([...starts, ...ends]),
    graph.scalar(call.number('value'), call.outputDtype()),
  ]);
};

/** A reduction over `dim`; no dimensions means all. Its axes became an input in opset 13 (sum) and 18 (the others). */
function reduce(type: string, axesAreInputSince: number): Mapping {
  return (call, graph) => {
    const takesAxes = call.has('dim');
    const rank = call.rank('self');
    const axes = takesAxes ? call.ints('dim').map((dim) => (dim + rank) % rank) : [];
    const keepdims = int(takesAxes && call.flag('keepdim') ? 1 : 0);
    const x = call.value('self');
    if (axes.length === 0) return graph.node(type, [x], { keepdims });
    if (graph.opset >= axesAreInputSince) return graph.node(type, [x, graph.ints(axes)], { keepdims });
    return graph.node(type, [x], { axes: ints(axes), keepdims });
  };
}

export const shape: Record<string, Mapping> = {
  'aten::contiguous': identity,
  'aten::clone': identity,
  'aten::detach': identity,
  'aten::dropout': dropout,
  'aten::to.dtype_layout': convert,
  'aten::to.device': convert,
  'aten::reshape': reshape,
  'aten::view': reshape,
  'aten::flatten.using_ints': flatten,
  'aten::expand': expand,
  'aten::t': (call, graph) => (call.rank('self') < 2 ? call.value('self') : transpose(call, graph, 0, 1)),
  'aten::transpose.int': (call, graph) => transpose(call, graph, call.dim('dim0', 'self'), call.dim('dim1', 'self')),
  'aten::permute': permute,
  'aten::unsqueeze': (call, graph) => graph.node('Unsqueeze', [call.value('self'), graph.ints([call.int('dim')])]),
  'aten::squeeze': (call, graph) =>
    squeezeOnes(
      call,
      graph,
      Array.from({ length: call.rank('self') }, (_, dim) => dim),
    ),
  'aten::squeeze.dim': (call, graph) => squeezeOnes(call, graph, [call.dim('dim', 'self')]),
  'aten::slice.Tensor': sliceTensor,
  'aten::narrow': narrow,
  'aten::select.int': select,
  'aten::chunk': split,
  'aten::split.Tensor': split,
  'aten::split_with_sizes': split,
  'aten::unbind.int': unbind,
  'aten::cat': (call, graph) => graph.node('Concat', call.values('tensors'), { axis: int(call.int('dim')) }),
  'aten::stack': stack,
  'aten::constant_pad_nd': pad,
  'aten::mean': reduce('ReduceMean', 18),
  'aten::mean.dim': reduce('ReduceMean', 18),
  'aten::sum': reduce('ReduceSum', 13),
  'aten::sum.dim_IntList': reduce('ReduceSum', 13),
  'aten::amax': reduce('ReduceMax', 18),
  'aten::amin': reduce('ReduceMin', 18),
};
