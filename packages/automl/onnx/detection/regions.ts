import { float, type Graph, int, string, type Value } from '../graph.ts';
import { gather, type ImageBounds, whereTrue } from './boxes.ts';
import { sizeOf, toFloat } from './grid.ts';

/** Boxes and what is under them, level by level, which is another order than they came in. */
export interface Pooled {
  /** `[P, 4]` */
  boxes: Value;
  /** `[P, C, h, w]` */
  regions: Value;
  /** Where each stood before, int64 `[P]`. */
  order: Value;
}

/**
 * `poolRegions` of the engine for one image of a batch: the features under each box, from the level that suits its size.
 *
 * @param levels the finest first, features `[N, C, H_i, W_i]`
 * @param boxes `[P, 4]`, in pixels of the image
 * @param index of the image in the batch
 */
export function poolRegions(
  graph: Graph,
  { size, samplingRatio }: { size: readonly [number, number]; samplingRatio: number },
  levels: readonly { features: Value }[],
  boxes: Value,
  { height }: ImageBounds,
  index: number,
): Pooled {
  const f = (value: number): Value => graph.scalar(value, 'float32');
  const op = (type: string, ...inputs: Value[]): Value => graph.node(type, inputs);
  const log2 = (x: Value): Value => op('Div', op('Log', x), f(Math.LN2));
  const [x1, y1, x2, y2] = graph.nodes('Split', [boxes, graph.ints([1, 1, 1, 1])], { axis: int(1) }, 4);
  const side = op('Sqrt', op('Mul', op('Sub', x2, x1), op('Sub', y2, y1)));
  // Lin et al. 2016, eq. 1; the engine's `poolRegions` and `pyramidLevels`.
  const wanted = op('Floor', op('Add', op('Add', log2(op('Div', side, f(224))), f(4)), f(1e-6)));
  const exponents = levels.map(({ features }) =>
    op('Round', log2(op('Div', toFloat(graph, sizeOf(graph, features, 2)), height))),
  );
  const [finest, coarsest] = [exponents[0], exponents[exponents.length - 1]].map((value) => op('Neg', value));
  const level = op('Squeeze', op('Sub', op('Clip', wanted, finest, coarsest), finest), graph.ints([1]));

  const perLevel = levels.map(({ features }, i) => {
    const order = whereTrue(graph, op('Equal', level, f(i)));
    const own = gather(graph, boxes, order);
    const image = op('Add', op('Mul', order, graph.scalar(0, 'int64')), graph.scalar(index, 'int64'));
    // A power of 2, which is exact; the operator's own factor cannot depend on the size of the image.
    const scaled = op('Mul', own, op('Pow', f(2), exponents[i]));
    const regions = graph.node('RoiAlign', [features, scaled, image], {
      output_height: int(size[0]),
      output_width: int(size[1]),
      sampling_ratio: int(samplingRatio),
      spatial_scale: float(1),
      coordinate_transformation_mode: string('output_half_pixel'),
      mode: string('avg'),
    });
    return { boxes: own, regions, order };
  });
  const together = (name: keyof Pooled): Value =>
    graph.node(
      'Concat',
      perLevel.map((part) => part[name]),
      { axis: int(0) },
    );
  return { boxes: together('boxes'), regions: together('regions'), order: together('order') };
}
