import { YOLOV5_STRIDES, type YoloV5 } from '@fovea/vision';
import { type Graph, int, type Value } from '../graph.ts';
import { cellPlaces } from './grid.ts';

/**
 * `YoloV5.decode` in ONNX's operators, for images of any size.
 *
 * @param levels raw outputs `[N, anchors, H, W, 5 + classes]`
 * @returns `[N, all anchors of all cells of all levels, 5 + classes]`
 */
export function yoloV5Decoded(graph: Graph, model: YoloV5, levels: readonly Value[], channels: number): Value {
  const number = (value: number): Value => graph.scalar(value, 'float32');
  const [, perCell] = model.anchors.shape;
  const inCells = model.anchors.cpu().data() as Float32Array;
  const decoded = levels.map((raw, level) => {
    const stride = YOLOV5_STRIDES[level];
    const sizes = inCells.subarray(level * perCell * 2, (level + 1) * perCell * 2).map((side) => side * stride);
    const [xy, wh, probabilities] = graph.nodes(
      'Split',
      [graph.node('Sigmoid', [raw]), graph.ints([2, 2, channels - 4])],
      { axis: int(-1) },
      3,
    );
    const { x, y } = cellPlaces(graph, raw);
    const cells = graph.node('Add', [
      graph.node('Mul', [x, graph.floats([1, 0], [2])]),
      graph.node('Mul', [y, graph.floats([0, 1], [2])]),
    ]);
    const corners = graph.node('Sub', [cells, number(0.5)]);
    const inside = graph.node('Add', [graph.node('Mul', [xy, number(2)]), corners]);
    const centres = graph.node('Mul', [inside, number(stride)]);
    const doubled = graph.node('Mul', [wh, number(2)]);
    const sides = graph.node('Mul', [
      graph.node('Mul', [doubled, doubled]),
      graph.floats(Array.from(sizes), [perCell, 1, 1, 2]),
    ]);
    const together = graph.node('Concat', [centres, sides, probabilities], { axis: int(-1) });
    return graph.node('Reshape', [together, graph.ints([0, -1, channels])]);
  });
  return graph.node('Concat', decoded, { axis: int(1) });
}
