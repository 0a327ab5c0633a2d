/** What Mask R-CNN says of the pixels of what it found, in ONNX's operators. */
import type { Tensor } from '@fovea/torch';
import type { MaskRcnn } from '@fovea/vision';
import { convertTrace } from '../convert.ts';
import { DATA_TYPES, type Graph, int, type Value } from '../graph.ts';
import { traceModel } from '../trace.ts';
import { type Found, gather, type ImageBounds, lengthOf } from './boxes.ts';
import { toFloat } from './grid.ts';
import { poolRegions } from './regions.ts';
import { MASK_SETTINGS } from './settings.ts';

/** Masks get a border of zeros as wide as this before they are put on the image. */
const BORDER = 1;

/**
 * Probabilities of the cells of each mask, `[K, m, m]`, as `MaskRoiHeads.detect` computes them.
 *
 * @param levels of the whole pyramid
 * @param index of the image in the batch
 * @param traced makes an input for a trace of the mask head
 */
export function maskProbabilities(
  graph: Graph,
  model: MaskRcnn,
  levels: readonly { features: Value }[],
  { boxes, labels }: Found,
  bounds: ImageBounds,
  {
    index,
    traced,
    names,
  }: { index: number; traced: (shape: readonly number[]) => Tensor; names: ReadonlyMap<Tensor, string> },
): Value {
  const { roi_heads: heads, backbone } = model;
  const { maskPool } = heads.inference;
  // The pooled level serves anchors only.
  const { regions, order } = poolRegions(graph, maskPool, levels.slice(0, -1), boxes, bounds, index);
  const shapes = [2, 3].map((count) => [count, backbone.outChannels, ...maskPool.size]);
  const trace = traceModel(model, shapes, traced, (x) => heads.maskLogits(x));
  const [logits] = convertTrace(trace, graph, regions, names);
  graph.module = 'roi_heads';
  const ofRegions = graph.node('Unsqueeze', [gather(graph, labels, order), graph.ints([1])]);
  const chosen = graph.node('GatherND', [logits, ofRegions], { batch_dims: int(1) });
  const probabilities = graph.node('Sigmoid', [chosen]);
  // `order` holds every number once, so that sorting it gives the way back.
  const [, places] = graph.nodes('TopK', [order, lengthOf(graph, order)], { largest: int(0) }, 2);
  return gather(graph, probabilities, places);
}

/**
 * Masks on the whole image, `[K, 1, H, W]`: `pasteMask` of @fovea/vision/transforms. Resizing bilinearly is a product with a matrix of
 * weights on each side; pixels outside of a box see its border, which is zero.
 *
 * Where the file's `paste_masks` is 0, the image is taken to be empty, `[K, 1, 0, 0]`.
 *
 * @param masks `[K, m, m]`
 * @param boxes in pixels of the image, `[K, 4]`
 * @param image height and width in pixels, int64 without dimensions
 */
export function pastedMasks(
  graph: Graph,
  masks: Value,
  boxes: Value,
  image: { height: Value; width: Value },
  side: number,
): Value {
  const f = (value: number): Value => graph.scalar(value, 'float32');
  const op = (type: string, ...inputs: Value[]): Value => graph.node(type, inputs);
  const cells = side + 2 * BORDER;
  const paste = graph.setting(MASK_SETTINGS.paste, 'int64', 1);
  const bordered = op('Pad', masks, graph.ints([0, BORDER, BORDER, 0, BORDER, BORDER]));
  const corners = graph.nodes('Split', [boxes, graph.ints([1, 1, 1, 1])], { axis: int(1) }, 4);

  /** `[1, n, 1]` or `[1, 1, n]` of 0, 1, 2 … below `end`, which has no dimensions. */
  const along = (end: Value, axes: number[]): Value => {
    const numbers = op('Range', graph.scalar(0, 'int64'), end, graph.scalar(1, 'int64'));
    return op('Unsqueeze', toFloat(graph, numbers), graph.ints(axes));
  };
  const truncated = (x: Value): Value => toFloat(graph, graph.node('Cast', [x], { to: int(DATA_TYPES.int64) }));
  /** How much each cell counts for each pixel along one side, with the pixels in the dimension that is not among `cellAxes`. */
  const weights = (low: Value, high: Value, length: Value, pixelAxes: number[], cellAxes: number[]): Value => {
    const half = op('Mul', op('Mul', op('Sub', high, low), f(0.5)), f(cells / side));
    const centre = op('Mul', op('Add', high, low), f(0.5));
    const ofBoxes = (x: Value): Value => op('Unsqueeze', truncated(x), graph.ints([2]));
    const [first, last] = [ofBoxes(op('Sub', centre, half)), ofBoxes(op('Add', centre, half))];
    const pixels = op('Max', op('Add', op('Sub', last, first), f(1)), f(1));
    const shown = op('Squeeze', op('Mul', length, paste), graph.ints([0]));
    const place = op('Add', op('Sub', along(shown, pixelAxes), first), f(0.5));
    const cell = op('Clip', op('Sub', op('Mul', place, op('Div', f(cells), pixels)), f(0.5)), f(0), f(cells - 1));
    const distance = op('Abs', op('Sub', cell, along(graph.scalar(cells, 'int64'), cellAxes)));
    return op('Max', op('Sub', f(1), distance), f(0));
  };
  const rows = weights(corners[1], corners[3], image.height, [0, 2], [0, 1]);
  const columns = weights(corners[0], corners[2], image.width, [0, 1], [0, 2]);
  return op('Unsqueeze', op('MatMul', op('MatMul', rows, bordered), columns), graph.ints([1]));
}
