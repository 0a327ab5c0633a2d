import type { Check } from './check.ts';
import { type ClassifierFile, checkClassifier } from './classifier.ts';
import {
  type BoxesFile,
  checkBoxes,
  checkDeformable,
  checkFocalLoss,
  checkNms,
  checkRoiAlign,
  type DeformableFile,
  type FocalLossFile,
  type NmsFile,
  type RoiAlignFile,
} from './detection-ops.ts';
import {
  type AnchorsFile,
  type BoxCoderFile,
  checkAnchors,
  checkBoxCoder,
  checkDetectionTransform,
  checkLegacyNames,
  checkMatcher,
  type DetectionTransformFile,
  type LegacyNamesFile,
  type MatcherFile,
} from './detection-parts.ts';
import { checkDetector, type DetectorFile } from './detector.ts';
import { checkGenerator, checkLosses, type GeneratorFile, type LossesFile } from './ops.ts';
import { checkSchedules, checkTrajectories, type SchedulesFile, type TrajectoriesFile } from './optim.ts';
import { checkTransforms, type TransformsFile } from './transforms.ts';
import { checkYoloV5, checkYoloV5Nms, type YoloV5File, type YoloV5NmsFile } from './yolov5.ts';

/** A kind of parity file, told by the keys it has. */
interface Kind {
  name: string;
  keys: readonly string[];
  /** @param folder where the file lies, and what it names */
  check(file: unknown, folder: string): Iterable<Check> | AsyncIterable<Check>;
}

const KINDS: readonly Kind[] = [
  {
    name: 'classifier',
    keys: [
      'model',
      'g',
      'state_dict',
      'generated',
      'eval_outputs.logits',
      'features',
      'train_step.losses',
      'tolerance',
    ],
    check: (file) => checkClassifier(file as ClassifierFile),
  },
  {
    name: 'optimiser trajectories',
    keys: ['a', 'c', 'x0', 'cases', 'tolerance_rel'],
    check: (file) => checkTrajectories(file as TrajectoriesFile),
  },
  {
    name: 'schedules',
    keys: ['step', 'warmup_cosine', 'tolerance_rel'],
    check: (file) => checkSchedules(file as SchedulesFile),
  },
  { name: 'random generator', keys: ['seeds'], check: (file) => checkGenerator(file as GeneratorFile) },
  {
    name: 'losses',
    keys: ['inputs', 'cross_entropy_mean', 'bce_with_logits_mean'],
    check: (file) => checkLosses(file as LossesFile),
  },
  { name: 'boxes', keys: ['a.formula', 'b.formula', 'box_iou'], check: (file) => checkBoxes(file as BoxesFile) },
  {
    name: 'non-maximum suppression',
    keys: ['boxes.formula', 'scores', 'idxs', 'nms', 'batched_nms'],
    check: (file) => checkNms(file as NmsFile),
  },
  {
    name: 'region features',
    keys: ['input', 'rois', 'roi_align', 'roi_pool', 'multiscale'],
    check: (file) => checkRoiAlign(file as RoiAlignFile),
  },
  {
    name: 'deformable convolution',
    keys: ['tensors', 'cases.0.offset_shape'],
    check: (file) => checkDeformable(file as DeformableFile),
  },
  {
    name: 'focal loss',
    keys: ['logits', 'targets', 'cases.0.gamma'],
    check: (file) => checkFocalLoss(file as FocalLossFile),
  },
  {
    name: 'YOLOv5',
    keys: [
      'model',
      'version',
      'anchors_grid_units',
      'eval_outputs.decoded',
      'loss.assignment',
      'train_step.components',
    ],
    check: (file) => checkYoloV5(file as YoloV5File),
  },
  {
    name: "YOLOv5's suppression",
    keys: ['source', 'prediction.made_from', 'cases.0.args', 'cases.0.counts'],
    check: (file) => checkYoloV5Nms(file as YoloV5NmsFile),
  },
  {
    name: 'detector',
    keys: [
      'model',
      'state_dict',
      'transform.batched',
      'fpn_features',
      'anchors',
      'train.keep_all',
      'train_step.loss_dicts',
    ],
    check: (file) => checkDetector(file as DetectorFile),
  },
  {
    name: 'anchors',
    keys: ['image_batch_shape', 'fasterrcnn.cell_anchors'],
    check: (file) => checkAnchors(file as AnchorsFile),
  },
  {
    name: 'box codes',
    keys: ['anchors.formula', 'deltas', 'bbox_xform_clip', 'cases.0.encode'],
    check: (file) => checkBoxCoder(file as BoxCoderFile),
  },
  {
    name: 'matcher',
    keys: ['gt.formula', 'iou', 'cases.0.allow_low_quality_matches'],
    check: (file) => checkMatcher(file as MatcherFile),
  },
  {
    name: 'detection transform',
    keys: ['min_size', 'size_divisible', 'mask_rule', 'cases.0.batched'],
    check: (file) => checkDetectionTransform(file as DetectionTransformFile),
  },
  {
    name: 'older names',
    keys: ['columns', 'fasterrcnn_resnet50_fpn.0'],
    check: (file) => checkLegacyNames(file as LegacyNamesFile),
  },
  {
    name: 'transforms',
    keys: ['image', 'size_wh', 'factors', 'normalize'],
    check: (file, folder) => checkTransforms(file as TransformsFile, folder),
  },
];

/**
 * The checks that a parity file asks for. What kind of file it is shows in its content, not in its name.
 *
 * @param folder where the file lies
 * @throws Error when it is of no kind that can be checked
 */
export function checksOf(file: unknown, folder: string): Iterable<Check> | AsyncIterable<Check> {
  const kind = KINDS.find(({ keys }) => keys.every((path) => valueAt(file, path) !== undefined));
  if (kind) return kind.check(file, folder);
  const model = valueAt(file, 'model') ?? valueAt(file, 'checkpoint') ?? valueAt(file, 'config_file');
  if (typeof model === 'string') throw new Error(`parity of ${model} is not supported yet: no such kind of model here`);
  if (valueAt(file, 'source')) throw new Error('a parity file of a kind that is not supported yet');
  const known = KINDS.map(({ name, keys }) => `${name} (${keys.join(', ')})`);
  throw new Error(`not a parity file. Known by the keys they have:\n    ${known.join('\n    ')}`);
}

/** The value at a dotted path, or undefined. */
const valueAt = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((inner, key) => (isObject(inner) ? inner[key] : undefined), value);

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
