import type { nn, Tensor } from '@fovea/torch';
import type { FasterRcnn } from '@fovea/vision';
import { type Graph, int, type Value } from '../graph.ts';
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
import { levelAnchors } from './grid.ts';
import { type Pooled, poolRegions } from './regions.ts';
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
    const pooled = poolRegions(graph, model.roi_heads.inference.pool, levels.slice(0, -1), proposals, bounds, index);
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

function classify(
  graph: Graph,
  model: FasterRcnn,
  { boxes: proposals, regions }: Pooled,
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
