/** The arithmetic of boxes in ONNX's operators. A list of boxes is kept as its four columns, `[M, 1]` each, in pixels. */
import { type BoxWeights, LARGEST_STRETCH } from '@fovea/vision';
import { type Graph, int, type Value } from '../graph.ts';

export type BoxColumns = [x1: Value, y1: Value, x2: Value, y2: Value];

/** Height and width of the image, float32 without dimensions. */
export interface ImageBounds {
  height: Value;
  width: Value;
}

/** What is found: boxes `[K, 4]`, scores `[K]`, int64 labels `[K]`, best first. */
export interface Found {
  boxes: Value;
  labels: Value;
  scores: Value;
}

const number = (graph: Graph, value: number): Value => graph.scalar(value, 'float32');

const fourColumns = (graph: Graph, boxes: Value): BoxColumns =>
  graph.nodes('Split', [boxes, graph.ints([1, 1, 1, 1])], { axis: int(1) }, 4) as BoxColumns;

export const joined = (graph: Graph, columns: BoxColumns): Value => graph.node('Concat', columns, { axis: int(1) });

/** `gather(x, indices)`: rows of `x`, in the order of the indices. */
export const gather = (graph: Graph, x: Value, indices: Value, axis = 0): Value =>
  graph.node('Gather', [x, indices], { axis: int(axis) });

/** Indices at which a list of truth values is true, `[K]`. */
export const whereTrue = (graph: Graph, truths: Value): Value =>
  graph.node('Squeeze', [graph.node('NonZero', [truths]), graph.ints([0])]);

/** Length of a list, int64 `[1]`. */
export const lengthOf = (graph: Graph, list: Value): Value => graph.node('Shape', [list]);

/** The greatest `count` of a list, or all of a shorter one, sorted. @param count int64 `[1]` */
export function greatest(graph: Graph, list: Value, count: Value): [values: Value, indices: Value] {
  const most = graph.node('Min', [count, lengthOf(graph, list)]);
  return graph.nodes('TopK', [list, most], {}, 2) as [Value, Value];
}

/** `decodeBoxes` of the engine, operation by operation. @param codes, references `[M, 4]` */
export function decode(graph: Graph, codes: Value, references: Value, weights: BoxWeights): BoxColumns {
  const [x1, y1, x2, y2] = fourColumns(graph, references);
  const code = fourColumns(graph, codes).map((column, i) =>
    weights[i] === 1 ? column : graph.node('Div', [column, number(graph, weights[i])]),
  );
  const side = (low: Value, high: Value, shift: Value, stretch: Value): [Value, Value] => {
    const length = graph.node('Sub', [high, low]);
    const centre = graph.node('Add', [low, graph.node('Mul', [length, number(graph, 0.5)])]);
    const moved = graph.node('Add', [graph.node('Mul', [shift, length]), centre]);
    const factor = graph.node('Exp', [graph.node('Min', [stretch, number(graph, LARGEST_STRETCH)])]);
    const half = graph.node('Mul', [graph.node('Mul', [factor, length]), number(graph, 0.5)]);
    return [graph.node('Sub', [moved, half]), graph.node('Add', [moved, half])];
  };
  const [left, right] = side(x1, x2, code[0], code[2]);
  const [top, bottom] = side(y1, y2, code[1], code[3]);
  return [left, top, right, bottom];
}

/** Moves what lies outside of the image onto its border. */
export const clip = (graph: Graph, boxes: BoxColumns, { height, width }: ImageBounds): BoxColumns =>
  boxes.map((column, i) => graph.node('Clip', [column, number(graph, 0), i % 2 === 0 ? width : height])) as BoxColumns;

/** Whether width and height are both at least so many pixels, `[M]`. */
export function isLarge(graph: Graph, [x1, y1, x2, y2]: BoxColumns, leastSide: number): Value {
  const reaches = (low: Value, high: Value): Value =>
    graph.node('GreaterOrEqual', [graph.node('Sub', [high, low]), number(graph, leastSide)]);
  const both = graph.node('And', [reaches(x1, x2), reaches(y1, y2)]);
  return graph.node('Squeeze', [both, graph.ints([1])]);
}

/**
 * Indices of the boxes that no better one of their category covers, best first.
 *
 * @param boxes `[M, 4]`
 * @param scores `[M]`, at least 0
 * @param categories int64 `[M]`, from 0 to `count` − 1
 * @param threshold IoU, `[1]`
 * @param most so many stay, int64 `[1]`
 */
export function suppress(
  graph: Graph,
  { boxes, scores, categories }: { boxes: Value; scores: Value; categories: Value },
  { count, threshold, most }: { count: number; threshold: Value; most: Value },
): Value {
  // The operator wants a score for every category; −1, which is below its threshold, keeps a box out of the others.
  const all = graph.node('Unsqueeze', [graph.ints(Array.from({ length: count }, (_, i) => i)), graph.ints([1])]);
  const isOwn = graph.node('Equal', [graph.node('Unsqueeze', [categories, graph.ints([0])]), all]);
  const ofCategories = graph.node('Where', [isOwn, scores, number(graph, -1)]);
  const selected = graph.node('NonMaxSuppression', [
    graph.node('Unsqueeze', [boxes, graph.ints([0])]),
    graph.node('Unsqueeze', [ofCategories, graph.ints([0])]),
    graph.ints([2 ** 31 - 1]),
    threshold,
    graph.floats([-0.5], [1]),
  ]);
  // Rows of image, category, box: category by category.
  const kept = gather(graph, selected, graph.scalar(2, 'int64'), 1);
  const [, best] = greatest(graph, gather(graph, scores, kept), most);
  return gather(graph, kept, best);
}
