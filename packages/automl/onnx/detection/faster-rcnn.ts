import type { nn, Tensor } from '@fovea/torch';
import type { FasterRcnn } from '@fovea/vision';
import { float, type Graph, int, string, type Value } from '../graph.ts';
import {
  type BoxColumns,
  clip,
  decode,
  type Found,
  gather,
  greatest,
  type ImageBounds,
  isLarge,
  joined,
  suppress,
  whereTrue,
} from './boxes.ts';
import { levelAnchors, sizeOf, toFloat } from './grid.ts';
import { DETECTION_SETTINGS } from './settings.ts';

/** What the traced part gives for a level: features `[N, C, H, W]`, objectness `[N, A]`, codes `[N, A, 4]`. */
export interface ProposalLevel {
  features: Value;
  objectness: Value;
  deltas: Value;
}

/** A parameter as a constant of the graph. */
type Weight = (tensor: Tensor) => Value;

/** Detections of each image, as `FasterRcnn.detect` computes them. @param image the padded input */
export function fasterRcnnDetections(
  graph: Graph,
  model: FasterRcnn,
  levels: readonly ProposalLevel[],
  image: Value,
  bounds: ImageBounds,
  { images, classes, weight }: { images: number; classes: number; weight: Weight },
): Found[] {
  const { anchors } = model.rpn.inference;
  const references = levels.map(({ features }, level) => levelAnchors(graph, anchors, level, image, features));
  return Array.from({ length: images }, (_, index) => {
    const proposals = propose(graph, model, levels, references, bounds, index);
    // The pooled level serves anchors only.
    const pooled = pool(graph, model, levels.slice(0, -1), proposals, bounds, index);
    return classify(graph, model, pooled, bounds, { classes, weight });
  });
}

/** The image's proposals, best first, `[P, 4]`. */
function propose(
  graph: Graph,
  model: FasterRcnn,
  levels: readonly ProposalLevel[],
  references: readonly Value[],
  bounds: ImageBounds,
  index: number,
): Value {
  const { nmsThresh, scoreThresh, preNmsTopN, postNmsTopN, weights, leastSide } = model.rpn.inference;
  const ofImage = (x: Value): Value => gather(graph, x, graph.scalar(index, 'int64'));
  const best = levels.map(({ objectness, deltas }, level) => {
    const [logits, order] = greatest(graph, ofImage(objectness), graph.ints([preNmsTopN]));
    const boxes = decode(
      graph,
      gather(graph, ofImage(deltas), order),
      gather(graph, references[level], order),
      weights,
    );
    const clipped = clip(graph, boxes, bounds);
    const scores = graph.node('Sigmoid', [logits]);
    const isGood = graph.node('GreaterOrEqual', [scores, graph.scalar(scoreThresh, 'float32')]);
    const kept = whereTrue(graph, graph.node('And', [isLarge(graph, clipped, leastSide), isGood]));
    const ownLevel = graph.node('Add', [
      graph.node('Mul', [kept, graph.scalar(0, 'int64')]),
      graph.scalar(level, 'int64'),
    ]);
    return { boxes: gather(graph, joined(graph, clipped), kept), scores: gather(graph, scores, kept), level: ownLevel };
  });
  const together = (name: 'boxes' | 'scores' | 'level'): Value =>
    graph.node(
      'Concat',
      best.map((level) => level[name]),
      { axis: int(0) },
    );
  const boxes = together('boxes');
  const kept = suppress(
    graph,
    { boxes, scores: together('scores'), categories: together('level') },
    { count: levels.length, threshold: graph.floats([nmsThresh], [1]), most: graph.ints([postNmsTopN]) },
  );
  return gather(graph, boxes, kept);
}

/** `[P, 4]` and what is under them, `[P, C, h, w]`: in another order than they came, level by level. */
interface Pooled {
  proposals: Value;
  regions: Value;
}

function pool(
  graph: Graph,
  model: FasterRcnn,
  levels: readonly ProposalLevel[],
  proposals: Value,
  { height }: ImageBounds,
  index: number,
): Pooled {
  const { size, samplingRatio } = model.roi_heads.inference.pool;
  const f = (value: number): Value => graph.scalar(value, 'float32');
  const op = (type: string, ...inputs: Value[]): Value => graph.node(type, inputs);
  const log2 = (x: Value): Value => op('Div', op('Log', x), f(Math.LN2));
  const [x1, y1, x2, y2] = graph.nodes('Split', [proposals, graph.ints([1, 1, 1, 1])], { axis: int(1) }, 4);
  const side = op('Sqrt', op('Mul', op('Sub', x2, x1), op('Sub', y2, y1)));
  // Lin et al. 2016, eq. 1; the engine's `poolRegions` and `pyramidLevels`.
  const wanted = op('Floor', op('Add', op('Add', log2(op('Div', side, f(224))), f(4)), f(1e-6)));
  const exponents = levels.map(({ features }) =>
    op('Round', log2(op('Div', toFloat(graph, sizeOf(graph, features, 2)), height))),
  );
  const [finest, coarsest] = [exponents[0], exponents[exponents.length - 1]].map((value) => op('Neg', value));
  const level = op('Squeeze', op('Sub', op('Clip', wanted, finest, coarsest), finest), graph.ints([1]));

  const perLevel = levels.map(({ features }, i) => {
    const here = whereTrue(graph, op('Equal', level, f(i)));
    const boxes = gather(graph, proposals, here);
    const image = op('Add', op('Mul', here, graph.scalar(0, 'int64')), graph.scalar(index, 'int64'));
    // A power of 2, which is exact; the operator's own factor cannot depend on the size of the image.
    const scaled = op('Mul', boxes, op('Pow', f(2), exponents[i]));
    const regions = graph.node('RoiAlign', [features, scaled, image], {
      output_height: int(size[0]),
      output_width: int(size[1]),
      sampling_ratio: int(samplingRatio),
      spatial_scale: float(1),
      coordinate_transformation_mode: string('output_half_pixel'),
      mode: string('avg'),
    });
    return { proposals: boxes, regions };
  });
  const together = (name: keyof Pooled): Value =>
    graph.node(
      'Concat',
      perLevel.map((part) => part[name]),
      { axis: int(0) },
    );
  return { proposals: together('proposals'), regions: together('regions') };
}

function classify(
  graph: Graph,
  model: FasterRcnn,
  { proposals, regions }: Pooled,
  bounds: ImageBounds,
  { classes, weight }: { classes: number; weight: Weight },
): Found {
  const { box_head: head, box_predictor: predictor } = model.roi_heads;
  const { scoreThresh, nmsThresh, detectionsPerImg, weights, leastSide } = model.roi_heads.inference;
  const linear = (x: Value, layer: nn.Linear): Value =>
    graph.node('Gemm', [x, weight(layer.weight), layer.bias && weight(layer.bias)], { transB: int(1) });
  const relu = (x: Value): Value => graph.node('Relu', [x]);
  const flat = graph.node('Flatten', [regions], { axis: int(1) });
  const features = relu(linear(relu(linear(flat, head.fc6)), head.fc7));
  const probabilities = graph.node('Softmax', [linear(features, predictor.cls_score)], { axis: int(1) });
  const codes = linear(features, predictor.bbox_pred);

  const objects = classes - 1;
  const withoutBackground = graph.node('Slice', [
    probabilities,
    graph.ints([1]),
    graph.ints([classes]),
    graph.ints([1]),
  ]);
  const all = graph.node('Reshape', [withoutBackground, graph.ints([-1])]);
  const threshold = graph.setting(DETECTION_SETTINGS.score, 'float32', scoreThresh);
  const probable = whereTrue(graph, graph.node('Greater', [all, threshold]));
  const rows = graph.node('Div', [probable, graph.scalar(objects, 'int64')]);
  const labels = graph.node('Add', [
    graph.node('Mod', [probable, graph.scalar(objects, 'int64')]),
    graph.scalar(1, 'int64'),
  ]);
  // The codes of a proposal's classes stand in one row.
  const place = graph.node('Add', [graph.node('Mul', [rows, graph.scalar(classes, 'int64')]), labels]);
  const chosen = gather(graph, graph.node('Reshape', [codes, graph.ints([-1, 4])]), place);
  const columns: BoxColumns = clip(graph, decode(graph, chosen, gather(graph, proposals, rows), weights), bounds);
  const large = whereTrue(graph, isLarge(graph, columns, leastSide));
  const candidates = {
    boxes: gather(graph, joined(graph, columns), large),
    scores: gather(graph, gather(graph, all, probable), large),
    categories: gather(graph, labels, large),
  };
  const kept = suppress(graph, candidates, {
    count: classes,
    threshold: graph.setting(DETECTION_SETTINGS.iou, 'float32', nmsThresh),
    most: graph.setting(DETECTION_SETTINGS.count, 'int64', detectionsPerImg),
  });
  return {
    boxes: gather(graph, candidates.boxes, kept),
    labels: gather(graph, candidates.categories, kept),
    scores: gather(graph, candidates.scores, kept),
  };
}
