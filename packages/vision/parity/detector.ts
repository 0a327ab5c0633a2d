/** Parity of detectors: `torchvision/fasterrcnn_*.json`, `torchvision/retinanet_*.json`, `torchvision/maskrcnn_*.json`. */
import { noGrad, type Tensor, tensor as tensorOf, tidy } from '@fovea/torch';
import { FasterRcnn, pooledLevels } from '../detection/faster-rcnn.ts';
import {
  type Detector,
  fasterRcnn,
  type ImageBatch,
  MaskRcnn,
  maskRcnn,
  RetinaNet,
  retinaNet,
} from '../detection/index.ts';
import { flattened } from '../detection/region-proposals.ts';
import { poolRegions } from '../detection/roi-heads.ts';
import { RESNET_NAMES, type ResNetName } from '../models/resnet.ts';
import * as check from './check.ts';
import { checkDetectorTraining, type DetectorTraining, disposeModel, imagesOf } from './detector-training.ts';
import { fillModel, type Gains } from './fill.ts';
import { type MaskHeadFigures, maskHead, pastedMasks } from './masks.ts';

type Check = check.Check;
type Recorded = check.RecordedTensor;

export interface RecordedDetections {
  count: number;
  boxes: number[][];
  scores: number[];
  labels: number[];
  mask_shape?: number[];
  mask_sum?: number[];
  mask_area_gt_half?: number[];
}

interface RecordedTransform {
  image_sizes: [height: number, width: number][];
  batched: Recorded;
}

/** A detector's file. */
export interface DetectorFile extends Gains, DetectorTraining {
  model: string;
  constructor: {
    num_classes: number;
    min_size: number;
    max_size: number;
    rpn_post_nms_top_n_train?: number;
    rpn_post_nms_top_n_test?: number;
    trainable_backbone_layers: number;
    frozen_bn_eps: number;
  };
  param_count: number;
  state_dict: [name: string, dtype: string, shape: number[]][];
  generated: Record<string, Recorded>;
  input: { images: { name: string; shape: number[] }[] };
  transform: RecordedTransform;
  fpn_features: Record<string, Recorded>;
  anchors: {
    count: number;
    first: number[][];
    last: number[][];
    at: [index: number, ...box: number[]][];
    sum: number;
    abs_sum: number;
  }[];
  rpn?: { objectness_per_level: Recorded[]; deltas_per_level: Recorded[] };
  proposals?: { count: number; top: number[][]; sum: number }[];
  box_head_on_fixed_proposals?: { fixed_proposals: number[][][] } & Record<
    'roi_features' | 'box_features' | 'class_logits' | 'box_regression',
    Recorded
  >;
  mask_head_on_fixed_proposals?: MaskHeadFigures;
  head?: { cls_logits: Recorded; bbox_regression: Recorded };
  eval_outputs: { score_thresh: number; detections_top50: RecordedDetections[] };
  default_size_800_1333?: {
    transform: RecordedTransform;
    score_thresh: number;
    detections_top50: RecordedDetections[];
  };
}

/** Arguments that a file may leave at torchvision's defaults. */
interface Settings {
  scoreThresh?: number;
  keepAll?: boolean;
  defaultSizes?: boolean;
}

/** Every sample counts when so many are asked for, and no random number decides. */
const ALL = 10_000_000;

/** Names, shapes, every stage, detections and training losses of one detector. */
export function* checkDetector(file: DetectorFile): Iterable<Check> {
  const make = (settings: Settings): Detector => {
    const model = build(file, settings);
    fillModel(model, file);
    return model;
  };
  yield* withModel(make({ scoreThresh: file.eval_outputs.score_thresh }), (model) => [
    ...identity(model, file),
    ...tidy(() => stages(model.eval(), file)),
    ...tidy(() => detections('detections', model, file, file.eval_outputs.detections_top50)),
  ]);
  const larger = file.default_size_800_1333;
  if (larger) {
    const settings = { scoreThresh: larger.score_thresh, defaultSizes: true };
    yield* withModel(make(settings), (model) =>
      tidy(() => [
        ...transformed('default size', model.eval(), file, larger.transform).checks,
        ...detections('default size detections', model, file, larger.detections_top50),
      ]),
    );
  }
  yield* withModel(make({ keepAll: true }), (model) => checkDetectorTraining(model, file, () => make({})));
}

function withModel(model: Detector, look: (model: Detector) => Check[]): Check[] {
  try {
    return look(model);
  } finally {
    disposeModel(model);
  }
}

function build({ model: name, constructor: given }: DetectorFile, settings: Settings): Detector {
  const [, family, backbone] = /^(fasterrcnn|maskrcnn|retinanet)_(\w+)_fpn$/.exec(name) ?? [];
  if (!RESNET_NAMES.includes(backbone as ResNetName)) throw new Error(`parity of ${name} is not supported yet`);
  const { scoreThresh, keepAll, defaultSizes } = settings;
  const common = {
    backbone: backbone as ResNetName,
    classes: given.num_classes,
    frozenEps: given.frozen_bn_eps,
    trainableLayers: given.trainable_backbone_layers,
    ...(defaultSizes ? {} : { minSize: given.min_size, maxSize: given.max_size }),
  };
  if (family === 'retinanet') return retinaNet({ ...common, scoreThresh });
  const make = family === 'maskrcnn' ? maskRcnn : fasterRcnn;
  return make({
    ...common,
    boxScoreThresh: scoreThresh,
    ...(defaultSizes
      ? {}
      : { rpnPostNmsTopNTrain: given.rpn_post_nms_top_n_train, rpnPostNmsTopNTest: given.rpn_post_nms_top_n_test }),
    ...(keepAll ? { rpnBatchSizePerImage: ALL, boxBatchSizePerImage: ALL } : {}),
  });
}

function identity(model: Detector, file: DetectorFile): Check[] {
  const state = model.stateDict();
  const entries = [...state].map(([name, { dtype, shape }]) => [name, dtype, shape]);
  return [
    check.same('names, dtypes and shapes', file.state_dict, entries),
    check.same('number of parameters', [file.param_count], [model.parameterCount]),
    ...Object.entries(file.generated).map(([name, reference]) => {
      const found = state.get(name);
      if (!found) return check.failed(`generated ${name}`, 'our model has nothing of that name');
      return check.tensor(`generated ${name}`, reference, found, 1e-6);
    }),
  ];
}

function transformed(
  label: string,
  model: Detector,
  file: DetectorFile,
  recorded: RecordedTransform,
): { batch: ImageBatch; checks: Check[] } {
  const { batch } = model.transform.apply(imagesOf(file));
  const sizes = batch.sizes.map(({ height, width }) => [height, width]);
  const checks = [
    check.same(`${label} sizes`, recorded.image_sizes, sizes),
    check.tensor(`${label} batch`, recorded.batched, batch.tensor, file.tolerance.stage_abs_over_std),
  ];
  return { batch, checks };
}

/** Each stage from the one before. */
function stages(model: Detector, file: DetectorFile): Check[] {
  const tolerance = file.tolerance.stage_abs_over_std;
  return noGrad(() => {
    const { batch, checks } = transformed('transform', model, file, file.transform);
    const features = model.backbone.forward(batch.tensor);
    const names = model.backbone.featureNames;
    checks.push(check.same('feature names', Object.keys(file.fpn_features), names));
    checks.push(
      ...names.flatMap((name, level) => {
        const reference = file.fpn_features[name];
        return reference ? [check.tensor(`features ${name}`, reference, features[level], tolerance)] : [];
      }),
    );
    if (model instanceof FasterRcnn) checks.push(...twoStages(model, file, batch, features));
    if (model instanceof RetinaNet) {
      checks.push(...anchorFigures(file, model.anchors(batch, features)));
      const { logits, codes } = model.head.forward(features);
      if (file.head) {
        checks.push(check.tensor('head cls_logits', file.head.cls_logits, logits, tolerance));
        checks.push(check.tensor('head bbox_regression', file.head.bbox_regression, codes, tolerance));
      }
    }
    return checks;
  });
}

function twoStages(model: FasterRcnn, file: DetectorFile, batch: ImageBatch, features: Tensor[]): Check[] {
  const tolerance = file.tolerance.stage_abs_over_std;
  const anchors = model.rpn.anchors(batch, features);
  const head = model.rpn.head.forward(features);
  const checks = anchorFigures(file, anchors);
  for (const [level, [objectness, deltas]] of head.entries()) {
    if (!file.rpn) break;
    const { objectness_per_level, deltas_per_level } = file.rpn;
    checks.push(check.tensor(`rpn objectness ${level}`, objectness_per_level[level], objectness, tolerance));
    checks.push(check.tensor(`rpn deltas ${level}`, deltas_per_level[level], deltas, tolerance));
  }
  const { proposals, scores } = model.rpn.propose(flattened(head), anchors, batch.sizes, {
    preNmsTopN: 1000,
    postNmsTopN: file.constructor.rpn_post_nms_top_n_test ?? 1000,
  });
  for (const [image, reference] of (file.proposals ?? []).entries()) {
    const wanted = { ...reference, boxes: reference.top, scores: reference.top.map((row) => row[4]) };
    checks.push(boxesMatch(`proposals ${image}`, wanted, found(proposals[image], scores[image]), file));
  }
  const recorded = file.box_head_on_fixed_proposals;
  if (recorded) checks.push(...boxHead(model, recorded, features, batch, tolerance));
  const shapes = file.mask_head_on_fixed_proposals;
  if (recorded && shapes && model instanceof MaskRcnn) {
    const proposals = recorded.fixed_proposals.map((boxes) => tensorOf(boxes));
    checks.push(...maskHead(model, shapes, { proposals, features, sizes: batch.sizes }, tolerance));
  }
  return checks;
}

function boxHead(
  model: FasterRcnn,
  recorded: NonNullable<DetectorFile['box_head_on_fixed_proposals']>,
  features: Tensor[],
  { sizes }: ImageBatch,
  tolerance: number,
): Check[] {
  const proposals = recorded.fixed_proposals.map((boxes) => tensorOf(boxes));
  const levels = pooledLevels(features);
  const pooled = poolRegions(levels, proposals, sizes, { size: [7, 7], samplingRatio: 2 });
  const boxFeatures = model.roi_heads.box_head.forward(pooled);
  const [logits, codes] = model.roi_heads.forward(levels, proposals, sizes);
  return [
    check.tensor('box head roi_features', recorded.roi_features, pooled, tolerance),
    check.tensor('box head box_features', recorded.box_features, boxFeatures, tolerance),
    check.tensor('box head class_logits', recorded.class_logits, logits, tolerance),
    check.tensor('box head box_regression', recorded.box_regression, codes, tolerance),
  ];
}

/** Ours are one tensor for all images. */
function anchorFigures(file: DetectorFile, anchors: Tensor): Check[] {
  const boxes = anchors.toArray() as number[][];
  const numbers = boxes.flat();
  const sum = numbers.reduce((total, value) => total + value, 0);
  const absolute = numbers.reduce((total, value) => total + Math.abs(value), 0);
  return file.anchors.map((recorded, image) =>
    check.same(
      `anchors ${image}`,
      [recorded.count, ...recorded.first, ...recorded.last, ...recorded.at, recorded.sum, recorded.abs_sum],
      [
        boxes.length,
        ...boxes.slice(0, recorded.first.length),
        ...boxes.slice(-recorded.last.length),
        ...recorded.at.map(([index]) => [index, ...(boxes[index] ?? [])]),
        sum,
        absolute,
      ],
    ),
  );
}

interface Found {
  boxes: number[][];
  scores: number[];
  labels?: number[];
}

const found = (boxes: Tensor, scores: Tensor, labels?: Tensor): Found => ({
  boxes: boxes.toArray() as number[][],
  scores: check.numbers(scores),
  labels: labels && check.numbers(labels),
});

function detections(label: string, model: Detector, file: DetectorFile, recorded: RecordedDetections[]): Check[] {
  const images = model.eval().detect(imagesOf(file));
  return recorded.flatMap((wanted, image) => {
    const { boxes, scores, labels, masks } = images[image];
    const ours = found(boxes, scores, labels);
    const checks = [boxesMatch(`${label} ${image}`, wanted, ours, file)];
    if (wanted.mask_sum && masks) {
      const rows = nearest(wanted, ours, file).map(({ row }) => row);
      checks.push(...pastedMasks(`${label} ${image} masks`, wanted, masks, rows, file));
    }
    return checks;
  });
}

/** Every one of the first 40 recorded boxes has one of ours with the same label, at about the same place with about the same score. */
function boxesMatch(
  label: string,
  wanted: Found & { count: number },
  ours: Found,
  file: Pick<DetectorFile, 'tolerance'>,
): Check {
  if (wanted.count !== ours.boxes.length) return check.failed(label, `${ours.boxes.length}, expected ${wanted.count}`);
  const distances = nearest(wanted, ours, file).map(({ distance }) => distance);
  return check.within(label, Math.max(0, ...distances), 1, `of ${wanted.count}`);
}

/** For each of the first 40 recorded boxes the one of ours that is most like it. */
function nearest(
  wanted: Found,
  ours: Found,
  { tolerance }: Pick<DetectorFile, 'tolerance'>,
): { row: number; distance: number }[] {
  // Both bounds in one number: 1 is just within them.
  const distance = (i: number, j: number): number =>
    Math.max(
      ...[0, 1, 2, 3].map((k) => Math.abs(wanted.boxes[i][k] - ours.boxes[j][k]) / tolerance.detection_box_px),
      Math.abs(wanted.scores[i] - ours.scores[j]) / tolerance.detection_score,
    );
  return wanted.boxes.slice(0, 40).map((_, i) =>
    ours.boxes.reduce(
      (best, _box, row) => {
        if (wanted.labels && wanted.labels[i] !== ours.labels?.[row]) return best;
        const own = distance(i, row);
        return own < best.distance ? { row, distance: own } : best;
      },
      { row: 0, distance: Number.POSITIVE_INFINITY },
    ),
  );
}
