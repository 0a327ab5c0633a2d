/**
 * ONNX files of detectors. The convolutions are traced like a classifier's; what comes after them, whose calls depend on what is in
 * the image, is written out in ONNX's operators, each step the one of the engine.
 *
 * Faster R-CNN and RetinaNet hold all of it, proposals and suppression included: one file that gives boxes, labels and scores is what
 * programs for such files expect, and Faster R-CNN would else be two networks with a program between them. Thresholds stand in the
 * file under names of their own, so that they can be changed. YOLOv5 gives what it says of every cell, also as programs expect it, and
 * `yoloDetections` of @fovea/vision/transforms makes boxes of that.
 */
import { fromTypedArray, type Tensor, tidy } from '@fovea/torch';
import { FasterRcnn, flattened, MaskRcnn, type RetinaNet, YoloV5 } from '@fovea/vision';
import packageJson from '../../package.json' with { type: 'json' };
import { convertTrace } from '../convert.ts';
import { encodeModel, type Port } from '../encode.ts';
import { deviceOf, evaluating } from '../evaluating.ts';
import { type ExportOptions, normalised, stateNames } from '../export.ts';
import { Graph, type Value } from '../graph.ts';
import { IMAGE_SIZE_KEY } from '../image-size.ts';
import { testImages } from '../test-images.ts';
import { traceModel } from '../trace.ts';
import type { Found, ImageBounds } from './boxes.ts';
import { fasterRcnnDetections } from './faster-rcnn.ts';
import { sizeOf, toFloat } from './grid.ts';
import { maskProbabilities, pastedMasks } from './masks.ts';
import { retinaNetDetections } from './retinanet.ts';
import { yoloV5Decoded } from './yolov5.ts';

export type AnyDetector = FasterRcnn | RetinaNet | YoloV5;

export interface DetectorExportOptions extends Pick<ExportOptions, 'opset' | 'normalisation' | 'metadata'> {
  /** Faster R-CNN and RetinaNet: how many images the file takes at a time; the others of a batch are independent. Default 1. */
  images?: number;
  /** Height and width that the file says it takes. Default: any; YOLOv5's have to be multiples of 32 then. */
  size?: { height: number; width: number };
}

/** Both sides of an image are padded to multiples of this: the strides of the coarsest levels. */
export const STRIDE = 32;

/**
 * Sizes of images that are traced; what is the same in both does not depend on the size. Down to strides of 128, the height differs
 * from one to the other, and so does the width, and no height is a width.
 */
const TRACED = [
  [128, 192],
  [160, 288],
];

/**
 * A file that computes what `detect` (`decode` of YOLOv5's raw outputs) computes in evaluation mode, for images that are resized and
 * normalised already.
 *
 * | | takes | gives |
 * | --- | --- | --- |
 * | Faster R-CNN | `Input` [images, 3, H, W] | for image i `boxes_i` [n, 4] corners in pixels, `labels_i` int64 [n], `scores_i` [n] |
 * | Mask R-CNN | the same | `boxes_i`, `labels_i`, `scores_i`, `masks_i` [n, 1, H, W] probabilities of the pixels; last `mask_probabilities_i` [n, 1, 28, 28] |
 * | RetinaNet | the same | `boxes_i`, `scores_i`, `labels_i` |
 * | YOLOv5 | `Input` [batch, 3, H, W], pixels 0 … 1 | `output` [batch, cells, 5 + classes]: centre x, y, width, height in pixels, objectness, classes |
 *
 * H and W are open. The model's mode and the engine's random generators are left as they were. Check the file with `verifyDetector`.
 *
 * @throws OnnxError for an operator that has no ONNX form, a model that is not float32, or a file over 2 GiB
 */
export function exportDetector(model: AnyDetector, options: DetectorExportOptions = {}): Uint8Array {
  return writeFile(model, options, ({ outputs }) => outputs);
}

/**
 * The same graph up to what the heads say of every anchor, which is where rounding shows and a wrong layer too: `[N, A, …]` for each
 * level and head.
 */
export function exportHeads(model: AnyDetector, options: DetectorExportOptions = {}): Uint8Array {
  return writeFile(model, options, ({ heads }) =>
    heads.map(({ value, rank }, i) => {
      const shape = Array.from({ length: rank }, (_, dim) => `head_${i}_${dim}`);
      return { value, port: { name: `head_${i}`, shape } };
    }),
  );
}

function writeFile(
  model: AnyDetector,
  options: DetectorExportOptions,
  choose: (written: Written) => Written['outputs'],
): Uint8Array {
  const { opset = 17, images = 1, size } = options;
  if (!Number.isInteger(opset) || opset < 17 || opset > 21)
    throw new RangeError(`opset ${opset} cannot be written; 17 … 21 can`);
  if (!Number.isInteger(images) || images < 1)
    throw new RangeError(`a file for ${images} images; at least 1 is needed`);
  if (model instanceof YoloV5 && size && (size.height % STRIDE !== 0 || size.width % STRIDE !== 0))
    throw new RangeError(`YOLOv5 takes sides that are multiples of ${STRIDE}, not ${size.height} × ${size.width}`);
  const graph = new Graph('Input', opset);
  const start = options.normalisation ? normalised(graph, options.normalisation) : graph.input;
  return evaluating(model, () =>
    tidy(() => {
      const written =
        model instanceof YoloV5 ? writeYolo(graph, model, start) : writeDetector(graph, model, start, images);
      const outputs = choose(written);
      const side = (name: 'height' | 'width') => size?.[name] ?? name;
      return encodeModel({
        ...graph.finish(new Map(outputs.map(({ value, port }) => [value, port.name]))),
        input: { name: graph.input, shape: [written.batch, 3, side('height'), side('width')] },
        outputs: outputs.map(({ port }) => port),
        opset,
        producer: { name: 'fovea', version: packageJson.version },
        metadata: { ...options.metadata, [IMAGE_SIZE_KEY]: 'any' },
      });
    }),
  );
}

interface Head {
  value: Value;
  rank: number;
}

interface Detecting {
  found: Found[];
  heads: Head[];
  levels: { features: Value }[];
}

interface Written {
  batch: number | string;
  /** What the heads say, before anything is decided. */
  heads: Head[];
  outputs: Output[];
}

interface Output {
  value: Value;
  port: Port;
}

function writeYolo(graph: Graph, model: YoloV5, image: Value): Written {
  const shapes = [
    [2, ...sides(0)],
    [3, ...sides(0)],
    [2, ...sides(1)],
  ];
  const trace = traceModel(model, shapes, testTensor(model));
  const levels = convertTrace(trace, graph, image, stateNames(model));
  const channels = trace.outputs[0].size(4);
  const value = yoloV5Decoded(graph, model, levels, channels);
  return {
    batch: 'batch',
    heads: levels.map((value) => ({ value, rank: 5 })),
    outputs: [{ value, port: { name: 'output', shape: ['batch', 'cells', channels] } }],
  };
}

function writeDetector(graph: Graph, model: FasterRcnn | RetinaNet, start: Value, images: number): Written {
  const image = padded(graph, start);
  const bounds: ImageBounds = {
    height: toFloat(graph, sizeOf(graph, start, 2)),
    width: toFloat(graph, sizeOf(graph, start, 3)),
  };
  const { found, heads, levels } =
    model instanceof FasterRcnn
      ? writeFasterRcnn(graph, model, image, bounds, images)
      : writeRetinaNet(graph, model, image, bounds, images);
  const masks = model instanceof MaskRcnn ? writeMasks(graph, model, start, bounds, { found, levels }) : [];
  const outputs = found.flatMap(({ boxes, labels, scores }, i) => {
    const count = `detections_${i}`;
    const byName = {
      boxes: { value: boxes, port: { name: `boxes_${i}`, shape: [count, 4] } },
      labels: { value: labels, port: { name: `labels_${i}`, shape: [count], dtype: 'int64' as const } },
      scores: { value: scores, port: { name: `scores_${i}`, shape: [count] } },
    };
    return model instanceof FasterRcnn
      ? [byName.boxes, byName.labels, byName.scores, ...(masks[i] ? [masks[i].pasted] : [])]
      : [byName.boxes, byName.scores, byName.labels];
  });
  // Programs count the outputs of an image, so that what they do not expect comes last.
  return { batch: images, heads, outputs: [...outputs, ...masks.map(({ cells }) => cells)] };
}

function writeRetinaNet(graph: Graph, model: RetinaNet, image: Value, bounds: ImageBounds, images: number): Detecting {
  const { values, outputs } = traceLevels(graph, model, image, images);
  const levels = values.map(([features, logits, codes]) => ({ features, logits, codes }));
  const classes = outputs[0][1].size(2);
  return {
    found: retinaNetDetections(graph, model, levels, image, bounds, { images, classes }),
    heads: levels.flatMap(({ logits, codes }) => [logits, codes].map((value) => ({ value, rank: 3 }))),
    levels,
  };
}

function writeFasterRcnn(
  graph: Graph,
  model: FasterRcnn,
  image: Value,
  bounds: ImageBounds,
  images: number,
): Detecting {
  const { values } = traceLevels(graph, model, image, images);
  const levels = values.map(([features, objectness, deltas]) => ({ features, objectness, deltas }));
  const names = stateNames(model);
  const found = fasterRcnnDetections(graph, model, levels, image, bounds, {
    images,
    classes: model.roi_heads.box_predictor.cls_score.weight.size(0),
    weight: (tensor) => graph.initializer(tensor, names.get(tensor) ?? 'weight'),
  });
  const heads = levels.flatMap(({ objectness, deltas }) => [
    { value: objectness, rank: 2 },
    { value: deltas, rank: 3 },
  ]);
  return { found, heads, levels };
}

/** Of each image its masks on the image, and their cells. */
function writeMasks(
  graph: Graph,
  model: MaskRcnn,
  start: Value,
  bounds: ImageBounds,
  { found, levels }: Pick<Detecting, 'found' | 'levels'>,
): { pasted: Output; cells: Output }[] {
  const names = stateNames(model);
  const side = 2 * model.roi_heads.inference.maskPool.size[0];
  const image = { height: sizeOf(graph, start, 2), width: sizeOf(graph, start, 3) };
  return found.map((ofImage, index) => {
    const masks = maskProbabilities(graph, model, levels, ofImage, bounds, { index, names, traced: testTensor(model) });
    const count = `detections_${index}`;
    return {
      pasted: {
        value: pastedMasks(graph, masks, ofImage.boxes, image, side),
        port: { name: `masks_${index}`, shape: [count, 1, `mask_height_${index}`, `mask_width_${index}`] },
      },
      cells: {
        value: graph.node('Unsqueeze', [masks, graph.ints([1])]),
        port: { name: `mask_probabilities_${index}`, shape: [count, 1, side, side] },
      },
    };
  });
}

/** Of each level its features, what the head says of what anchors hold, and box codes; anchors in the second dimension. */
export function headsOf(model: FasterRcnn | RetinaNet, features: readonly Tensor[]): [Tensor, Tensor, Tensor][] {
  return features.map((level) => {
    if (model instanceof FasterRcnn) {
      const { objectness, deltas } = flattened(model.rpn.head.forward([level]));
      return [level, objectness, deltas];
    }
    const { logits, codes } = model.head.forward([level]);
    return [level, logits, codes];
  });
}

/** Traces the part up to what the heads say of every level, three tensors for each. */
function traceLevels(
  graph: Graph,
  model: FasterRcnn | RetinaNet,
  image: Value,
  images: number,
): { values: Value[][]; outputs: Tensor[][] } {
  const shapes = TRACED.map((_, i) => [images, ...sides(i)]);
  const forward = (x: Tensor): Tensor[] => headsOf(model, model.backbone.forward(x)).flat();
  const trace = traceModel(model, shapes, testTensor(model), forward);
  const values = convertTrace(trace, graph, image, stateNames(model));
  const byLevel = <T>(list: readonly T[]): T[][] =>
    Array.from({ length: list.length / 3 }, (_, level) => list.slice(3 * level, 3 * level + 3));
  return { values: byLevel(values), outputs: byLevel(trace.outputs) };
}

/** Zeros right of the image and below, as a batch of the engine has them. */
function padded(graph: Graph, image: Value): Value {
  const missing = [2, 3].map((dim) => {
    const side = graph.node('Unsqueeze', [sizeOf(graph, image, dim), graph.ints([0])]);
    return graph.node('Mod', [graph.node('Neg', [side]), graph.ints([STRIDE])]);
  });
  const none = graph.ints([0, 0, 0, 0, 0, 0]);
  return graph.node('Pad', [image, graph.node('Concat', [none, ...missing], { axis: { int: 0 } })]);
}

const sides = (traced: number): number[] => [3, ...TRACED[traced]];

const testTensor =
  (model: AnyDetector) =>
  (shape: readonly number[]): Tensor =>
    fromTypedArray(testImages(shape, 0, 1), [...shape]).to({ device: deviceOf(model) });
