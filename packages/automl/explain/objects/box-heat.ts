import { enableGrad, grad, noGrad, ops, type Tensor, tensor, tidy } from '@fovea/torch';
import {
  boxIou,
  type DetectorInput,
  decodeBoxes,
  FasterRcnn,
  type ObjectDetector,
  pooledLevels,
  RetinaNet,
  YoloV5,
} from '@fovea/vision';
import { ExplanationError } from '../explanation-error.ts';

/** Something a detector found. */
export interface FoundBox {
  /** Left, top, right and bottom in pixels of the detector's input. */
  readonly box: readonly number[];
  /** Its class, counted from 0. */
  readonly label: number;
}

/** The layers of YOLOv5's backbone that its neck takes: strides 8, 16 and 32. */
const YOLO_LEVELS = ['model.4', 'model.6', 'model.9'];

/** How sure a detector is of a box, and the maps that this was computed from. */
interface Evidence {
  score: Tensor;
  maps: readonly Tensor[];
}

/**
 * Where in an image a detector sees what it found: of the maps of its feature pyramid each value times its gradient by the score of the
 * box, summed over channels, negative sums cut off. Not averaged over places first as Grad-CAM does: a box is about its place. This is
 * HiResCAM (Draelos and Carin 2020, https://arxiv.org/abs/2011.08891), and the mean of the levels that have any, each by its largest value.
 *
 * @param input of one image, with a network in evaluation mode
 * @returns of each pixel of the input, 0 … 1
 * @throws ExplanationError for a detector of another kind
 */
export function boxHeat(detector: ObjectDetector, input: DetectorInput, found: FoundBox): Float64Array {
  return tidy(() => {
    const { score, maps } = enableGrad(() => evidenceOf(detector, input, found));
    const gradients = grad(score, maps, { allowUnused: true });
    const [, , height, width] = input.images.shape;
    const levels = maps.flatMap((map, level) => {
      const gradient = gradients[level];
      if (!gradient) return [];
      const heat = map.detach().mul(gradient).sum(1, true).relu();
      const largest = heat.max().item();
      return largest > 0 ? [ops.upsampleBilinear2d(heat.div(largest), [height, width], false)] : [];
    });
    const sum = new Float64Array(height * width);
    for (const level of levels) {
      for (const [i, value] of (level.data() as Float32Array).entries()) sum[i] += value / levels.length;
    }
    return sum;
  });
}

function evidenceOf(detector: ObjectDetector, input: DetectorInput, found: FoundBox): Evidence {
  const { network, firstLabel } = detector;
  const box = tensor([[...found.box]]);
  const label = found.label + firstLabel;
  if (network instanceof FasterRcnn) return judgedRegion(network, input, box, label);
  if (network instanceof RetinaNet) return likeliestAnchor(network, input, box, label);
  if (network instanceof YoloV5) return likeliestCell(network, input, box, label);
  throw new ExplanationError(`what a ${network.constructor.name} finds cannot be explained`);
}

/** The maps that the heads of a detector take, as if they were given. */
function givenMaps(network: FasterRcnn | RetinaNet, images: Tensor): Tensor[] {
  return noGrad(() => network.backbone.forward(images)).map((map) => {
    const given = map.detach();
    given.requiresGrad = true;
    return given;
  });
}

/** Faster and Mask R-CNN: what the second stage says of the box as a region. */
function judgedRegion(network: FasterRcnn, { images, sizes }: DetectorInput, box: Tensor, label: number): Evidence {
  const maps = givenMaps(network, images);
  const [logits] = network.roi_heads.forward(pooledLevels(maps), [box], sizes);
  return { score: logits.softmax(1).select(1, label).sum(), maps: pooledLevels(maps) };
}

function likeliestAnchor(network: RetinaNet, { images, sizes }: DetectorInput, box: Tensor, label: number): Evidence {
  const maps = givenMaps(network, images);
  const { logits, codes } = network.head.forward(maps);
  const anchors = network.anchors({ tensor: images, sizes: [...sizes] }, maps);
  const scores = logits.select(0, 0).select(1, label).sigmoid();
  const boxes = decodeBoxes(codes.select(0, 0).detach(), anchors, network.inference.weights);
  return { score: scoreOfBest(scores, boxes, box), maps };
}

function likeliestCell(network: YoloV5, { images }: DetectorInput, box: Tensor, label: number): Evidence {
  const image = images.detach();
  // Networks whose parameters stand still have gradients all the same.
  image.requiresGrad = true;
  const maps: Tensor[] = [];
  const modules = network.namedModules();
  const hooks = YOLO_LEVELS.map((name) =>
    modules.get(name)?.registerForwardHook((_, output) => {
      maps.push(output as Tensor);
      return undefined;
    }),
  );
  try {
    const cells = network.decode(network.forward(image)).select(0, 0);
    const [centre, size] = [cells.slice(1, 0, 2), cells.slice(1, 2, 4)].map((part) => part.detach());
    const boxes = ops.cat([centre.sub(size.div(2)), centre.add(size.div(2))], 1);
    const scores = cells.select(1, 4).mul(cells.select(1, 5 + label));
    return { score: scoreOfBest(scores, boxes, box), maps };
  } finally {
    for (const remove of hooks) remove?.();
  }
}

/** The score of the candidate that is the box: the likeliest one that overlaps it most. */
function scoreOfBest(scores: Tensor, boxes: Tensor, box: Tensor): Tensor {
  const fit = noGrad(() => boxIou(boxes, box).squeeze(1).mul(scores.detach()));
  return scores.select(0, fit.argmax().item());
}
