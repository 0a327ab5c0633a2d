/** The cells of feature maps in ONNX's operators, for images of any size. */
import { type AnchorShapes, cellAnchors } from '@fovea/vision';
import { DATA_TYPES, type Graph, int, type Value } from '../graph.ts';

/** A size of a tensor, int64 without dimensions. */
export const sizeOf = (graph: Graph, x: Value, dim: number): Value =>
  graph.node('Gather', [graph.node('Shape', [x]), graph.scalar(dim, 'int64')]);

export const toFloat = (graph: Graph, x: Value): Value => graph.node('Cast', [x], { to: int(DATA_TYPES.float32) });

/** 0, 1, 2 … below `end`, int64. */
const upTo = (graph: Graph, end: Value): Value =>
  graph.node('Range', [graph.scalar(0, 'int64'), end, graph.scalar(1, 'int64')]);

/** Column and row of every cell of `[N, C, H, W]`, float32: shapes `[1, W, 1]` and `[H, 1, 1]`. */
export function cellPlaces(graph: Graph, features: Value): { x: Value; y: Value } {
  const along = (dim: number, axes: number[]): Value =>
    toFloat(graph, graph.node('Unsqueeze', [upTo(graph, sizeOf(graph, features, dim)), graph.ints(axes)]));
  return { x: along(3, [0, 2]), y: along(2, [1, 2]) };
}

/**
 * `anchorsOf` of the engine for one level: `[H · W · anchors, 4]`.
 *
 * @param image the padded input, `[N, 3, H, W]`
 * @param features `[N, C, h, w]`
 */
export function levelAnchors(
  graph: Graph,
  { sizes, aspectRatios }: AnchorShapes,
  level: number,
  image: Value,
  features: Value,
): Value {
  const ofCell = Array.from(cellAnchors(sizes[level], aspectRatios).data() as Float32Array);
  const stride = (dim: number): Value =>
    toFloat(graph, graph.node('Div', [sizeOf(graph, image, dim), sizeOf(graph, features, dim)]));
  const { x, y } = cellPlaces(graph, features);
  const spread = (places: Value, dim: number, mask: number[]): Value =>
    graph.node('Mul', [graph.node('Mul', [places, stride(dim)]), graph.floats(mask, [4])]);
  const shifts = graph.node('Add', [spread(x, 3, [1, 0, 1, 0]), spread(y, 2, [0, 1, 0, 1])]);
  const all = graph.node('Add', [
    graph.node('Unsqueeze', [shifts, graph.ints([2])]),
    graph.floats(ofCell, [ofCell.length / 4, 4]),
  ]);
  return graph.node('Reshape', [all, graph.ints([-1, 4])]);
}
