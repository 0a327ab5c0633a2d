import { manualSeed, noGrad, type Tensor, tensor as tensorOf, tidy, zeros } from '@fovea/torch';
import { FasterRcnn } from '../detection/faster-rcnn.ts';
import {
  BELOW_LOW_THRESHOLD,
  BETWEEN_THRESHOLDS,
  type DetectionLosses,
  type DetectionTarget,
  type Detector,
  RetinaNet,
} from '../detection/index.ts';
import * as check from './check.ts';
import type { DetectorFile } from './detector.ts';
import { fillModel, generatedInput } from './fill.ts';
import { ellipses } from './masks.ts';
import { makeOptimizer, type TorchArguments } from './torch-optimizer.ts';

type Check = check.Check;
type Recorded = check.RecordedTensor;
type RecordedLosses = Record<string, number>;

/** Single gradients have no tolerance in the files; see `classifier.ts`. */
const SINGLE_GRADIENT = 0.05;

/** Our losses by torchvision's names. */
const LOSS_NAMES: Readonly<Record<string, string>> = {
  loss_classifier: 'classifier',
  loss_box_reg: 'boxRegression',
  loss_mask: 'mask',
  loss_objectness: 'objectness',
  loss_rpn_box_reg: 'rpnBoxRegression',
  classification: 'classification',
  bbox_regression: 'boxRegression',
};
/** Of these the sampling depends on the generator alone; the others also on the order of proposals of like score. */
const BY_GENERATOR = ['loss_objectness', 'loss_rpn_box_reg'];

/** The training part of a detector's file. */
export interface DetectorTraining {
  train: {
    targets: { boxes: number[][][]; labels: number[][]; masks?: string | null };
    assignment?: {
      targets_after_resize: number[][][];
      target_masks_after_resize?: { shape: number[]; area: number[] }[];
      rpn_anchors_fg_bg_ignored?: number[][];
      anchors_fg_bg_between?: number[][];
    };
    seeded_default_sampling?: { seed: number; losses: RecordedLosses };
    keep_all: { losses: RecordedLosses };
    keep_all_second_image_without_boxes?: { losses: RecordedLosses };
  };
  train_step: {
    optimizer: TorchArguments & { type: string };
    losses: number[];
    loss_dicts: RecordedLosses[];
    grad_norm: Record<string, number>;
    grad_norm_total: number;
    grads: Record<string, Recorded>;
    frozen_parameters: string[];
  };
  tolerance: {
    stage_abs_over_std: number;
    detection_box_px: number;
    detection_score: number;
    loss_rel: number;
    grad_norm_rel: number;
  };
}

/**
 * Loss dictionaries, assignments and two training steps.
 *
 * @param model filled, and counting every anchor and proposal
 * @param makeSampling another one that samples as torchvision does by default
 */
export function checkDetectorTraining(model: Detector, file: DetectorFile, makeSampling: () => Detector): Check[] {
  const { train, tolerance } = file;
  const targets = targetsOf(file);
  const losses = (of: Detector, its: DetectionTarget[]): RecordedLosses =>
    tidy(() => noGrad(() => numbersOf(of.train().losses(imagesOf(file), its))));
  const dictionary = (label: string, recorded: RecordedLosses, found: RecordedLosses): Check =>
    lossesMatch(label, recorded, found, tolerance.loss_rel);

  const checks = tidy(() => assignment(model, file, targets));
  checks.push(dictionary('keep-all losses', train.keep_all.losses, losses(model, targets)));
  const { keep_all_second_image_without_boxes: background, seeded_default_sampling: seeded } = train;
  if (background) {
    const none = { boxes: zeros([0, 4]), labels: zeros([0], { dtype: 'int64' }) };
    const found = losses(model, [targets[0], none]);
    checks.push(dictionary('losses without boxes in the second image', background.losses, found));
  }
  if (seeded) {
    const sampling = makeSampling();
    manualSeed(seeded.seed);
    const found = losses(sampling, targets);
    disposeModel(sampling);
    checks.push(dictionary('seeded losses', pick(seeded.losses, BY_GENERATOR), pick(found, BY_GENERATOR)));
  }
  fillModel(model, file);
  return [...checks, ...trainingSteps(model, file, targets)];
}

export const imagesOf = (file: DetectorFile): Tensor[] => file.input.images.map(generatedInput);

export function disposeModel(model: Detector): void {
  for (const tensor of model.stateDict().values()) tensor.dispose();
}

function targetsOf({ train, input }: DetectorFile): DetectionTarget[] {
  const { boxes, labels, masks } = train.targets;
  return boxes.map((its, image) => {
    const [, height, width] = input.images[image].shape;
    return {
      boxes: tensorOf(its),
      labels: tensorOf(labels[image], { dtype: 'int64' }),
      ...(masks && { masks: ellipses(masks, its, { height, width }) }),
    };
  });
}

const numbersOf = (losses: DetectionLosses): RecordedLosses =>
  Object.fromEntries(
    Object.entries(LOSS_NAMES).flatMap(([name, ours]) => (ours in losses ? [[name, losses[ours].item()]] : [])),
  );

const pick = (losses: RecordedLosses, names: readonly string[]): RecordedLosses =>
  Object.fromEntries(Object.entries(losses).filter(([name]) => names.includes(name)));

function lossesMatch(label: string, recorded: RecordedLosses, found: RecordedLosses, limit: number): Check {
  const names = Object.keys(recorded);
  const deviations = names.map((name) => check.relative([recorded[name]], [found[name] ?? Number.NaN]));
  const worst = deviations.reduce((most, one) => (one > most || Number.isNaN(one) ? one : most), 0);
  return check.within(label, worst, limit, names[deviations.indexOf(worst)]);
}

function assignment(model: Detector, file: DetectorFile, targets: DetectionTarget[]): Check[] {
  const recorded = file.train.assignment;
  if (!recorded) return [];
  const { batch, targets: resized = [] } = model.transform.apply(imagesOf(file), { targets, training: true });
  const boxes = resized.map((target) => target.boxes.toArray() as number[][]);
  const worst = recorded.targets_after_resize
    .flat(2)
    .reduce((most, value, index) => Math.max(most, Math.abs(value - boxes.flat(2)[index])), 0);
  const checks = [check.within('targets after resizing', worst, file.tolerance.detection_box_px)];
  for (const [image, { shape, area }] of (recorded.target_masks_after_resize ?? []).entries()) {
    const { masks } = resized[image];
    checks.push(check.same(`target masks ${image} after resizing`, shape, masks?.shape ?? []));
    const areas = masks ? check.numbers(masks.flatten(1).float().sum(1)) : [];
    checks.push(check.same(`target masks ${image} after resizing, areas`, area, areas));
  }
  const counts = recorded.rpn_anchors_fg_bg_ignored ?? recorded.anchors_fg_bg_between;
  if (!counts || !(model instanceof FasterRcnn || model instanceof RetinaNet)) return checks;
  const source = model instanceof FasterRcnn ? model.rpn : model;
  const anchors = source.anchors(
    batch,
    noGrad(() => model.backbone.forward(batch.tensor)),
  );
  const found = resized.map((target) => {
    const matches = check.numbers(source.assign(anchors, target));
    const count = (is: (match: number) => boolean): number => matches.filter(is).length;
    return [
      count((match) => match >= 0),
      count((match) => match === BELOW_LOW_THRESHOLD),
      count((match) => match === BETWEEN_THRESHOLDS),
    ];
  });
  return [...checks, check.same('anchors that are positive, negative, neither', counts, found)];
}

function trainingSteps(model: Detector, file: DetectorFile, targets: DetectionTarget[]): Check[] {
  const { train_step: step, tolerance } = file;
  const parameters = model.train().namedParameters();
  const learning = new Map([...parameters].filter(([, parameter]) => parameter.requiresGrad));
  const frozen = [...parameters.keys()].filter((name) => !learning.has(name));
  const { type, ...args } = step.optimizer;
  const optimizer = makeOptimizer(type, [...learning.values()], args);
  const checks = [check.same('frozen parameters', step.frozen_parameters, frozen)];
  const totals: number[] = [];
  for (const [iteration, recorded] of step.loss_dicts.entries()) {
    checks.push(
      ...tidy(() => {
        const losses = model.losses(imagesOf(file), targets);
        const total = Object.values(losses).reduce((sum, loss) => sum.add(loss));
        totals.push(total.item());
        const label = `losses after ${iteration} steps`;
        const checked = [lossesMatch(label, recorded, numbersOf(losses), tolerance.loss_rel)];
        if (iteration === step.loss_dicts.length - 1) return checked;
        optimizer.zeroGrad();
        total.backward();
        if (iteration === 0) checked.push(...gradients(learning, file));
        optimizer.step();
        return checked;
      }),
    );
  }
  return [...checks, check.within('train losses', check.relative(step.losses, totals), tolerance.loss_rel)];
}

/** Norms and values of the first backward. */
function gradients(learning: ReadonlyMap<string, Tensor>, { train_step: step, tolerance }: DetectorFile): Check[] {
  const gradientOf = new Map([...learning].flatMap(([name, { grad }]) => (grad ? [[name, grad]] : [])));
  const norms = new Map([...gradientOf].map(([name, gradient]) => [name, gradient.norm().item()]));
  const limit = tolerance.grad_norm_rel;
  const norm = (name: string, wanted: number, found: number): Check =>
    check.within(`gradient norm ${name}`.trim(), check.relative([wanted], [found]), limit);
  return [
    norm('', step.grad_norm_total, Math.hypot(...norms.values())),
    ...Object.entries(step.grad_norm).map(([name, wanted]) => norm(name, wanted, norms.get(name) ?? Number.NaN)),
    ...Object.entries(step.grads).map(([name, reference]) => {
      const gradient = gradientOf.get(name);
      if (!gradient) return check.failed(`gradient ${name}`, 'our model has no gradient of that name');
      return check.tensor(`gradient ${name}`, reference, gradient, SINGLE_GRADIENT);
    }),
  ];
}
