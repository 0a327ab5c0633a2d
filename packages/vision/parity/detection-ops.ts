import { Parameter, type Tensor, tensor, tidy } from '@fovea/torch';
import * as box from '../ops/index.ts';
import * as check from './check.ts';
import { type DescribedBoxes, described, describedBoxes, parts } from './described.ts';
import { generated } from './fill.ts';

type Check = check.Check;
type Recorded = check.RecordedTensor;

const TOLERANCE = 1e-5;
const DEFORMABLE_GRADIENT = 1e-4;

/** `ops/box_iou.json` */
export interface BoxesFile {
  a: DescribedBoxes;
  b: DescribedBoxes;
  [figure: string]: Recorded | DescribedBoxes | string;
}

const BOX_FIGURES: Record<string, (a: Tensor, b: Tensor) => Tensor> = {
  box_area_a: (a) => box.boxArea(a),
  box_iou: box.boxIou,
  generalized_box_iou: box.generalizedBoxIou,
  distance_box_iou: box.distanceBoxIou,
  complete_box_iou: box.completeBoxIou,
  box_convert_xyxy_xywh: (a) => box.convertBoxes(a, 'xyxy', 'xywh'),
  box_convert_xyxy_cxcywh: (a) => box.convertBoxes(a, 'xyxy', 'cxcywh'),
};

export function* checkBoxes({ source: _, a, b, ...figures }: BoxesFile): Iterable<Check> {
  yield* tidy(() => {
    const [first, second] = [describedBoxes(a), describedBoxes(b)];
    return Object.entries(figures).map(([name, reference]) => {
      const figure = BOX_FIGURES[name];
      if (!figure) return check.failed(name, 'an unknown kind of figure');
      return check.tensor(name, reference as Recorded, figure(first, second), TOLERANCE);
    });
  });
}

/** `ops/nms.json` */
export interface NmsFile {
  boxes: DescribedBoxes & { first4: number[][] };
  scores: string;
  idxs: string;
  nms: { iou_threshold: number; keep: number[] }[];
  batched_nms: { iou_threshold: number; keep: number[] }[];
  empty: number[];
  [figure: string]: unknown;
}

export function* checkNms({
  source: _,
  boxes,
  scores,
  idxs,
  nms,
  batched_nms,
  empty,
  ...figures
}: NmsFile): Iterable<Check> {
  yield* tidy(() => {
    const all = describedBoxes(boxes);
    const score = described(`scores = ${scores}`, 'scores', [boxes.n]);
    const [count, name] = parts(idxs, /floor\((\d+)\*u\) of (\w+)/);
    const category = generated(name, [boxes.n], (s) => Math.floor((Number(count) * (s + 1)) / 2));
    const none = box.nms(tensor([]).reshape([0, 4]), tensor([]), 0.5);
    return [
      check.leading('boxes', boxes.first4.flat(), all, TOLERANCE),
      ...nms.map(({ iou_threshold, keep }) =>
        check.same(`nms ${iou_threshold}`, keep, check.numbers(box.nms(all, score, iou_threshold))),
      ),
      ...batched_nms.map(({ iou_threshold, keep }) =>
        check.same(
          `batched nms ${iou_threshold}`,
          keep,
          check.numbers(box.batchedNms(all, score, category, iou_threshold)),
        ),
      ),
      check.same('nms of nothing', empty, check.numbers(none)),
      ...Object.entries(figures).map(([key, reference]) => imageFigure(key, reference, all)),
    ];
  });
}

function imageFigure(name: string, reference: unknown, boxes: Tensor): Check {
  const clip = /^clip_boxes_to_image_(\d+)x(\d+)$/.exec(name);
  if (clip) {
    const recorded = reference as Recorded;
    const clipped = box.clipBoxes(boxes, { height: Number(clip[1]), width: Number(clip[2]) });
    return check.tensor(name, recorded, clipped.slice(0, 0, recorded.shape[0]), TOLERANCE);
  }
  const small = /^remove_small_boxes_min_([\d.]+)$/.exec(name);
  if (small) return check.same(name, reference as number[], check.numbers(box.largeBoxes(boxes, Number(small[1]))));
  return check.failed(name, 'an unknown kind of figure');
}

interface RoiCase {
  output_size: [number, number];
  spatial_scale: number;
  output: Recorded;
}

/** `ops/roi_align.json` */
export interface RoiAlignFile {
  input: { name: string; shape: number[]; scale: string };
  rois: number[][];
  roi_align: (RoiCase & {
    aligned: boolean;
    sampling_ratio: number;
    input_grad_of_sum_out_times_roi_grad: Recorded;
  })[];
  roi_pool: RoiCase[];
  multiscale: {
    features: { name: string; shape: number[] }[];
    boxes: number[][][];
    output_size: number;
    sampling_ratio: number;
    aligned: boolean;
    canonical_scale: number;
    canonical_level: number;
    scales: number[];
    levels: number[];
    output: Recorded;
    per_roi_mean: number[];
  };
}

export function* checkRoiAlign({ input, rois, roi_align, roi_pool, multiscale }: RoiAlignFile): Iterable<Check> {
  const features = (): Tensor => described(`input = ${input.scale} of ${input.name}`, 'input', input.shape);
  for (const one of roi_align) {
    const { output_size: size, spatial_scale: scale, sampling_ratio: samplingRatio, aligned } = one;
    const name = `roi align ${size.join('×')}, sampling ${samplingRatio}${aligned ? ', aligned' : ''}`;
    yield* tidy(() => {
      const x = new Parameter(features());
      const output = box.roiAlign(x, tensor(rois), { size, scale, samplingRatio, aligned });
      output
        .mul(generated('roi_grad', output.shape, (s) => 2 * s))
        .sum()
        .backward();
      return [
        check.tensor(name, one.output, output, TOLERANCE),
        check.tensor(`${name}, gradient`, one.input_grad_of_sum_out_times_roi_grad, x.grad as Tensor, TOLERANCE),
      ];
    });
  }
  for (const { output_size: size, spatial_scale: scale, output } of roi_pool) {
    const found = tidy(() => box.roiPool(features(), tensor(rois), { size, scale }));
    yield check.tensor(`roi pool ${size.join('×')}`, output, found, TOLERANCE);
  }
  yield* tidy(() => pyramid(multiscale));
}

function pyramid(one: RoiAlignFile['multiscale']): Check[] {
  const features = one.features.map(({ name, shape }) => generated(name, shape, (s) => 2 * s));
  const boxes = one.boxes.map((its) => tensor(its));
  const { scales, canonical_scale: canonicalScale, canonical_level: canonicalLevel } = one;
  const output = box.pyramidRoiAlign(features, boxes, {
    scales,
    canonicalScale,
    canonicalLevel,
    size: [one.output_size, one.output_size],
    samplingRatio: one.sampling_ratio,
    aligned: one.aligned,
  });
  const levels = boxes.flatMap((its) =>
    check.numbers(box.pyramidLevels(its, { scales, canonicalScale, canonicalLevel })),
  );
  return [
    check.same('pyramid levels', one.levels, levels),
    check.tensor('pyramid roi align', one.output, output, TOLERANCE),
    check.leading('pyramid roi align, means', one.per_roi_mean, output.mean([1, 2, 3]), TOLERANCE),
  ];
}

/** `ops/deform_conv2d.json` */
export interface DeformableFile {
  tensors: string;
  cases: {
    offset_groups: number;
    mask: boolean;
    stride: number;
    padding: number;
    dilation: number;
    offset_shape: number[];
    weight_shape: number[];
    output: Recorded;
    grad_input: Recorded;
    grad_offset: Recorded;
    grad_weight: Recorded;
    grad_mask?: Recorded;
  }[];
}

export function* checkDeformable({ tensors, cases }: DeformableFile): Iterable<Check> {
  for (const [index, one] of cases.entries()) yield* tidy(() => deformable(`case ${index + 1}`, tensors, one));
}

function deformable(label: string, tensors: string, one: DeformableFile['cases'][number]): Check[] {
  const learned = (name: string, shape?: number[]): Parameter => new Parameter(described(tensors, name, shape));
  const [images, taps, height, width] = one.offset_shape;
  const input = learned('input');
  const weight = learned('weight', one.weight_shape);
  const offset = learned('offset', one.offset_shape);
  const mask = one.mask ? learned('mask', [images, taps / 2, height, width]) : null;
  const output = box.deformableConvolution(input, {
    weight,
    offset,
    mask,
    bias: described(tensors, 'bias'),
    stride: [one.stride, one.stride],
    padding: [one.padding, one.padding],
    dilation: [one.dilation, one.dilation],
  });
  const [name] = parts(tensors, /gradients are of sum\(out \* s of (\w+)\)/);
  output
    .mul(generated(name, output.shape, (s) => s))
    .sum()
    .backward();
  const gradients: [string, Recorded | undefined, Tensor | null][] = [
    ['input', one.grad_input, input],
    ['offset', one.grad_offset, offset],
    ['weight', one.grad_weight, weight],
    ['mask', one.grad_mask, mask],
  ];
  return [
    check.tensor(`${label} output`, one.output, output, TOLERANCE),
    ...gradients.flatMap(([of, reference, leaf]) =>
      reference && leaf?.grad
        ? [check.tensor(`${label} gradient of ${of}`, reference, leaf.grad, DEFORMABLE_GRADIENT)]
        : [],
    ),
  ];
}

/** `ops/sigmoid_focal_loss.json` */
export interface FocalLossFile {
  logits: string;
  targets: string;
  cases: { alpha: number; gamma: number; none: Recorded; mean: number; sum: number; grad_of_sum: Recorded }[];
}

export function* checkFocalLoss({ logits, targets, cases }: FocalLossFile): Iterable<Check> {
  for (const { alpha, gamma, none, mean, sum, grad_of_sum } of cases) {
    yield* tidy(() => {
      const x = new Parameter(described(`logits = ${logits}`, 'logits'));
      const [name, threshold] = parts(targets, /1 where u of (\w+) > ([\d.]+)/);
      const target = generated(name, x.shape, (s) => ((s + 1) / 2 > Number(threshold) ? 1 : 0));
      const loss = box.sigmoidFocalLoss(x, target, { alpha: alpha < 0 ? null : alpha, gamma });
      loss.sum().backward();
      const label = `alpha ${alpha}, gamma ${gamma}`;
      return [
        check.tensor(label, none, loss, TOLERANCE),
        check.within(`${label}, mean`, check.relative([mean], [loss.mean().item()]), TOLERANCE),
        check.within(`${label}, sum`, check.relative([sum], [loss.sum().item()]), TOLERANCE),
        check.tensor(`${label}, gradient`, grad_of_sum, x.grad as Tensor, TOLERANCE),
      ];
    });
  }
}
