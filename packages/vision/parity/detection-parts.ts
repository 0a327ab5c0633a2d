/** Parity of the parts of detectors: `ops/{anchors,box_coder,matcher,detection_transform}.json`, `torchvision/legacy_names.json`. */
import { cat, fromTypedArray, type Tensor, tensor, tidy } from '@fovea/torch';
import { LARGEST_STRETCH } from '../detection/box-coder.ts';
import {
  anchorsOf,
  cellAnchors,
  DetectionTransform,
  decodeBoxes,
  encodeBoxes,
  matchBoxes,
} from '../detection/index.ts';
import { boxIou } from '../ops/index.ts';
import { presentName } from '../weights/legacy-names.ts';
import * as check from './check.ts';
import { type DescribedBoxes, describedBoxes, parts } from './described.ts';
import { generated } from './fill.ts';

type Check = check.Check;
type Recorded = check.RecordedTensor;

const TOLERANCE = 1e-5;
/** Of values after resizing; as the files say of `tensor_float_*`. */
const RESIZED = 1e-4;

interface RecordedAnchors {
  /** For each level; or in words. */
  sizes: number[][] | string;
  aspect_ratios: number[];
  grids: [height: number, width: number][];
  count: number;
  cell_anchors: number[][][];
  first: number[][];
  last: number[][];
  sum: number;
  abs_sum: number;
}

/** `ops/anchors.json` */
export interface AnchorsFile {
  image_batch_shape: number[];
  [detector: string]: RecordedAnchors | number[] | string;
}

export function* checkAnchors({ source: _, image_batch_shape, ...detectors }: AnchorsFile): Iterable<Check> {
  const [height, width] = image_batch_shape.slice(-2);
  for (const [name, one] of Object.entries(detectors)) {
    const recorded = one as RecordedAnchors;
    yield* tidy(() => {
      const sizes = typeof recorded.sizes === 'string' ? sizesInWords(recorded.sizes) : recorded.sizes;
      const cells = sizes.map((its) => cellAnchors(its, recorded.aspect_ratios).toArray());
      const grids = recorded.grids.map(([rows, columns]) => ({ height: rows, width: columns }));
      const shapes = { sizes, aspectRatios: recorded.aspect_ratios };
      const all = anchorsOf(shapes, { height, width }, grids).toArray() as number[][];
      const { count, first, last, sum, abs_sum } = recorded;
      const total = (of: (value: number) => number): number => all.flat().reduce((so, value) => so + of(value), 0);
      return [
        check.same(`${name}, of a cell`, recorded.cell_anchors, cells),
        check.same(
          `${name}, all`,
          [count, ...first, ...last, sum, abs_sum],
          [all.length, ...all.slice(0, first.length), ...all.slice(-last.length), total(Number), total(Math.abs)],
        ),
      ];
    });
  }
}

/** "x, int(x*2^(1/3)), int(x*2^(2/3)) for x in 32,64,…" */
function sizesInWords(description: string): number[][] {
  const [list] = parts(description, /^x, int\(x\*2\^\(1\/3\)\), int\(x\*2\^\(2\/3\)\) for x in ([\d,]+)$/);
  return list.split(',').map((text) => [0, 1, 2].map((third) => Math.floor(Number(text) * 2 ** (third / 3))));
}

/** `ops/box_coder.json` */
export interface BoxCoderFile {
  anchors: DescribedBoxes;
  gt: DescribedBoxes;
  deltas: string;
  bbox_xform_clip: number;
  cases: ({ weights: [number, number, number, number] } & Record<string, Recorded>)[];
}

export function* checkBoxCoder({ anchors, gt, deltas, bbox_xform_clip, cases }: BoxCoderFile): Iterable<Check> {
  yield check.within('largest stretch', check.relative([bbox_xform_clip], [LARGEST_STRETCH]), 1e-7);
  for (const { weights, encode, ...decodings } of cases) {
    yield* tidy(() => {
      const [references, boxes] = [describedBoxes(anchors), describedBoxes(gt)];
      return [
        check.tensor(`encode, weights ${weights}`, encode, encodeBoxes(boxes, references, weights), TOLERANCE),
        ...Object.entries(decodings).map(([name, recorded]) => {
          const codes = codesInWords(deltas, name).reshape([anchors.n, -1, 4]);
          const found = decodeBoxes(codes, references.unsqueeze(1), weights);
          return check.tensor(`${name}, weights ${weights}`, recorded, found, TOLERANCE);
        }),
      ];
    });
  }
}

/** "decode: 1.5*s of bc_deltas [10,4]; decode_big: …" */
function codesInWords(description: string, decoding: string): Tensor {
  const pattern = new RegExp(`(?:^|; )${decoding}: (?:([\\d.]+)\\*)?s of (\\w+) \\[([\\d,]+)\\]`);
  const [factor = '1', name, shape] = parts(description, pattern);
  return generated(name, shape.split(',').map(Number), (s) => Number(factor) * s);
}

/** `ops/matcher.json` */
export interface MatcherFile {
  gt: DescribedBoxes;
  /** In words. */
  anchors: string;
  iou: Recorded;
  cases: { high: number; low: number; allow_low_quality_matches: boolean; matches: number[] }[];
}

export function* checkMatcher({ gt, anchors, iou, cases }: MatcherFile): Iterable<Check> {
  yield* tidy(() => {
    const truths = describedBoxes(gt);
    const number = '(-?[\\d.]+)';
    const [count, name, moved, shifts, stretched, factor] = parts(
      anchors,
      new RegExp(
        `^(\\d+) of (\\w+) \\(same formula\\), then gt\\[([\\d:]+)\\]\\+\\[([-\\d.,]+)\\], then gt\\[([\\d:]+)\\]\\*${number}$`,
      ),
    );
    const range = (text: string): Tensor => truths.slice(0, ...(text.split(':').map(Number) as [number, number]));
    const candidates = cat([
      describedBoxes({ ...gt, name, n: Number(count) }),
      range(moved).add(tensor(shifts.split(',').map(Number))),
      range(stretched).mul(Number(factor)),
    ]);
    const quality = boxIou(truths, candidates);
    return [
      check.tensor('iou', iou, quality, TOLERANCE),
      ...cases.map(({ high, low, allow_low_quality_matches: allowLowQualityMatches, matches }) =>
        check.same(
          `${low} to ${high}${allowLowQualityMatches ? ', low quality allowed' : ''}`,
          matches,
          check.numbers(matchBoxes(quality, { high, low, allowLowQualityMatches })),
        ),
      ),
    ];
  });
}

/** `ops/detection_transform.json` */
export interface DetectionTransformFile {
  min_size: number;
  max_size: number;
  mean: [number, number, number];
  std: [number, number, number];
  size_divisible: number;
  mask_rule: string;
  cases: {
    input: { name: string; shape: [number, number, number] };
    image_size: [number, number];
    batched: Recorded;
    target_box: number[];
    mask_shape: number[];
    mask_area: number;
  }[];
}

export function* checkDetectionTransform(file: DetectionTransformFile): Iterable<Check> {
  const transform = new DetectionTransform({
    minSize: file.min_size,
    maxSize: file.max_size,
    imageMean: file.mean,
    imageStd: file.std,
    sizeDivisible: file.size_divisible,
  });
  for (const { input, image_size, batched, target_box, mask_shape, mask_area } of file.cases) {
    yield* tidy(() => {
      const [, height, width] = input.shape;
      const image = generated(input.name, input.shape, (s) => Math.fround(Math.fround(Math.fround(s) * 0.5) + 0.5));
      const ellipse = ellipseInWords(file.mask_rule, height, width);
      // The ellipse's box, by the same rule.
      const target = {
        boxes: tensor([ellipse.box]),
        labels: tensor([1], { dtype: 'int64' }),
        masks: ellipse.mask.unsqueeze(0),
      };
      const { batch, targets = [] } = transform.apply([image], { targets: [target] });
      const [{ boxes, masks }] = targets;
      const size = batch.sizes.map((its) => [its.height, its.width]);
      return [
        check.same(`${input.name} size`, image_size, size.flat()),
        check.tensor(`${input.name} batch`, batched, batch.tensor, RESIZED),
        check.within(`${input.name} box`, check.relative(target_box, check.numbers(boxes)), TOLERANCE),
        check.same(`${input.name} mask shape`, mask_shape, masks?.shape ?? []),
        check.same(`${input.name} mask area`, [mask_area], [masks?.float().sum().item()]),
      ];
    });
  }
}

/** "1 where ((x-0.5w)/(0.3w))^2+((y-0.4h)/(0.25h))^2 <= 1 at pixel centres" */
function ellipseInWords(rule: string, height: number, width: number): { mask: Tensor; box: number[] } {
  const number = '([\\d.]+)';
  const [cx, rx, cy, ry] = parts(
    rule,
    new RegExp(
      `\\(x-${number}w\\)/\\(${number}w\\)\\)\\^2\\+\\(\\(y-${number}h\\)/\\(${number}h\\)\\)\\^2 <= 1 at pixel centres`,
    ),
  ).map(Number);
  const mask = new Uint8Array(height * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const across = (x + 0.5 - cx * width) / (rx * width);
      const down = (y + 0.5 - cy * height) / (ry * height);
      mask[y * width + x] = across ** 2 + down ** 2 <= 1 ? 1 : 0;
    }
  }
  return {
    mask: fromTypedArray(mask, [height, width]),
    box: [(cx - rx) * width, (cy - ry) * height, (cx + rx) * width, (cy + ry) * height],
  };
}

/** `torchvision/legacy_names.json`: pairs of an older and a present name for each model. */
export interface LegacyNamesFile {
  columns: string[];
  [model: string]: string | string[] | [old: string, present: string][];
}

export function* checkLegacyNames({ source: _, note: __, columns: ___, ...models }: LegacyNamesFile): Iterable<Check> {
  for (const [model, pairs] of Object.entries(models)) {
    const names = pairs as [string, string][];
    yield check.same(
      `names of ${model}`,
      names.map(([, present]) => present),
      names.map(([old]) => presentName(old)),
    );
  }
}
