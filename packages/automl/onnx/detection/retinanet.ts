import type { RetinaNet } from '@fovea/vision';
import { type Graph, int, type Value } from '../graph.ts';
import { clip, decode, type Found, gather, greatest, type ImageBounds, joined, suppress, whereTrue } from './boxes.ts';
import { levelAnchors } from './grid.ts';
import { DETECTION_SETTINGS } from './settings.ts';

/** What the traced part gives for a level: features `[N, C, H, W]`, logits `[N, A, classes]`, codes `[N, A, 4]`. */
export interface RetinaNetLevel {
  features: Value;
  logits: Value;
  codes: Value;
}

/** Detections of each image, as `RetinaNet.detect` computes them. @param image the padded input */
export function retinaNetDetections(
  graph: Graph,
  model: RetinaNet,
  levels: readonly RetinaNetLevel[],
  image: Value,
  bounds: ImageBounds,
  { images, classes }: { images: number; classes: number },
): Found[] {
  const { scoreThresh, nmsThresh, detectionsPerImg, topkCandidates, anchors, weights } = model.inference;
  const threshold = graph.setting(DETECTION_SETTINGS.score, 'float32', scoreThresh);
  const iou = graph.setting(DETECTION_SETTINGS.iou, 'float32', nmsThresh);
  const most = graph.setting(DETECTION_SETTINGS.count, 'int64', detectionsPerImg);
  const references = levels.map(({ features }, level) => levelAnchors(graph, anchors, level, image, features));

  return Array.from({ length: images }, (_, index) => {
    const ofImage = (x: Value): Value => gather(graph, x, graph.scalar(index, 'int64'));
    const candidates = levels.map(({ logits, codes }, level) => {
      const all = graph.node('Reshape', [graph.node('Sigmoid', [ofImage(logits)]), graph.ints([-1])]);
      const probable = whereTrue(graph, graph.node('Greater', [all, threshold]));
      const [scores, order] = greatest(graph, gather(graph, all, probable), graph.ints([topkCandidates]));
      const best = gather(graph, probable, order);
      const rows = graph.node('Div', [best, graph.scalar(classes, 'int64')]);
      const labels = graph.node('Mod', [best, graph.scalar(classes, 'int64')]);
      const boxes = decode(graph, gather(graph, ofImage(codes), rows), gather(graph, references[level], rows), weights);
      return { boxes: joined(graph, clip(graph, boxes, bounds)), scores, labels };
    });
    const together = (name: keyof Found): Value =>
      graph.node(
        'Concat',
        candidates.map((level) => level[name]),
        { axis: int(0) },
      );
    const [boxes, scores, categories] = [together('boxes'), together('scores'), together('labels')];
    const kept = suppress(graph, { boxes, scores, categories }, { count: classes, threshold: iou, most });
    return {
      boxes: gather(graph, boxes, kept),
      labels: gather(graph, categories, kept),
      scores: gather(graph, scores, kept),
    };
  });
}
