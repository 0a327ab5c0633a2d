import { noGrad, type Tensor, tensor as tensorOf, tidy } from '@fovea/torch';
import { type Assignment, assignTargets } from '../yolov5/assign.ts';
import {
  YOLOV5_SIZES,
  YOLOV5_VERSIONS,
  type YoloV5,
  type YoloV5Loss,
  type YoloV5LossSettings,
  type YoloV5Version,
  yolov5,
  yolov5Detections,
  yolov5Loss,
} from '../yolov5/index.ts';
import * as check from './check.ts';
import { parts } from './described.ts';
import { fillModel, type Gains, generate, generatedInput } from './fill.ts';
import { makeOptimizer, type TorchArguments } from './torch-optimizer.ts';
import { gradients, named, type RecordedGradients, type RecordedStatistics, runningStatistics } from './train-step.ts';

type Check = check.Check;
type Recorded = check.RecordedTensor;

/** A network of `yolov5/`. */
export interface YoloV5File extends Gains {
  model: string;
  version: string;
  constructor: { nc: number };
  param_count: number;
  state_dict: [name: string, dtype: string, shape: number[]][];
  generated: Record<string, Recorded>;
  stride: number[];
  anchors_grid_units: number[][][];
  input: { name: string; shape: number[] };
  eval_outputs: Record<string, Recorded>;
  features: Record<string, Recorded>;
  train_outputs: Record<string, Recorded>;
  loss: RecordedLoss;
  train_step: RecordedGradients & {
    optimizer: TorchArguments & { type: string };
    losses: number[];
    components: [box: number, objectness: number, classes: number][];
    bn_after_2_steps_plus_forward: RecordedStatistics;
  };
  tolerance: Tolerance;
}

interface Tolerance {
  raw_abs_over_std: number;
  decoded_abs_over_std: number;
  train_raw_abs_over_std: number;
  loss_rel: number;
  grad_norm_rel: number;
}

interface RecordedLoss {
  hyp: Record<'box' | 'obj' | 'cls' | 'obj_pw' | 'cls_pw' | 'anchor_t' | 'fl_gamma', number>;
  label_smoothing: number;
  gr: number;
  autobalance: boolean;
  targets: number[][];
  /** image, anchor, row, column, class, box, anchor's size */
  assignment: { count: number; rows: number[][] }[];
  components: [box: number, objectness: number, classes: number];
  total: number;
}

/** Single values of assignments, which no sum of many terms stands behind. */
const ASSIGNMENT = 1e-5;

/** Names, shapes, evaluation, intermediate points, assignment, loss and two training steps of one network. */
export function* checkYoloV5(file: YoloV5File): Iterable<Check> {
  const model = yolov5({ size: sizeOf(file.model), version: versionOf(file.version), classes: file.constructor.nc });
  try {
    const entries = [...model.stateDict()].map(([name, { dtype, shape }]) => [name, dtype, shape]);
    yield check.same('names, dtypes and shapes', file.state_dict, entries);
    yield check.same('number of parameters', [file.param_count], [model.parameterCount]);
    const anchors = { shape: model.anchors.shape, values: file.anchors_grid_units.flat(2) };
    yield check.tensor('anchors', anchors, model.anchors, ASSIGNMENT);

    fillModel(model, file);
    for (const [name, reference] of Object.entries(file.generated)) {
      yield named(model.stateDict(), name, (found) => check.tensor(`generated ${name}`, reference, found, 1e-6));
    }
    yield* tidy(() => evaluation(model, file));
    fillModel(model, file);
    yield* tidy(() => training(model, file));
  } finally {
    for (const tensor of model.stateDict().values()) tensor.dispose();
  }
}

/** `yolov5s` and so on. */
function sizeOf(name: string): (typeof YOLOV5_SIZES)[number] {
  const size = YOLOV5_SIZES['smlx'.indexOf(parts(name, /^yolov5([smlx])$/)[0])];
  return size;
}

function versionOf(tag: string): YoloV5Version {
  const version = YOLOV5_VERSIONS.find((known) => tag === `v${known}`);
  if (!version) throw new Error(`version ${tag} of YOLOv5 is not supported; there are ${YOLOV5_VERSIONS.join(', ')}`);
  return version;
}

function evaluation(model: YoloV5, file: YoloV5File): Check[] {
  const { raw_abs_over_std: tolerance, decoded_abs_over_std: decodedTolerance } = file.tolerance;
  const modules = model.eval().namedModules();
  const features = new Map<string, Check>();
  for (const [name, reference] of Object.entries(file.features)) {
    features.set(name, check.failed(`eval ${name}`, 'our model has no such module, or does not run it'));
    modules.get(name)?.registerForwardHook((_, output) => {
      features.set(name, check.tensor(`eval ${name}`, reference, output as Tensor, tolerance));
      return undefined;
    });
  }
  const [raw, decoded] = noGrad(() => {
    const outputs = model.forward(generatedInput(file.input));
    return [outputs, model.decode(outputs)];
  });
  const { decoded: reference, ...levels } = file.eval_outputs;
  const checks = [
    check.tensor('eval decoded', reference, decoded, decodedTolerance),
    ...rawOutputs('eval', levels, raw, tolerance),
  ];
  checks.push(...features.values());
  return checks;
}

function rawOutputs(
  label: string,
  recorded: Record<string, Recorded>,
  raw: readonly Tensor[],
  tolerance: number,
): Check[] {
  const levels = new Map(raw.map((level, index) => [`${label} raw_${index}`, level]));
  return Object.entries(recorded).map(([name, reference]) =>
    named(levels, `${label} ${name}`, (found) => check.tensor(`${label} ${name}`, reference, found, tolerance)),
  );
}

function settingsOf(
  { hyp, label_smoothing, gr, autobalance }: RecordedLoss,
  model: YoloV5,
  tag: string,
): YoloV5LossSettings {
  if (autobalance) throw new Error('a loss with autobalance is not supported');
  return {
    version: versionOf(tag),
    anchors: model.anchors,
    gains: { box: hyp.box, objectness: hyp.obj, classes: hyp.cls },
    anchorThreshold: hyp.anchor_t,
    labelSmoothing: label_smoothing,
    iouInObjectness: gr,
    positiveWeights: { objectness: hyp.obj_pw, classes: hyp.cls_pw },
    focalGamma: hyp.fl_gamma,
  };
}

const componentsOf = ({ box, objectness, classes }: YoloV5Loss): number[] => [
  box.item(),
  objectness.item(),
  classes.item(),
];

function training(model: YoloV5, file: YoloV5File): Check[] {
  const { train_step: step, tolerance } = file;
  const settings = settingsOf(file.loss, model, file.version);
  const { type, ...args } = step.optimizer;
  const optimizer = makeOptimizer(type, model.train().parameters(), args);
  const input = generatedInput(file.input);
  const targets = tensorOf(file.loss.targets, { dtype: 'float32' }).reshape([-1, 6]);

  const checks: Check[] = [];
  const losses: number[] = [];
  const components: number[][] = [];
  for (let iteration = 0; iteration < step.losses.length; iteration++) {
    const raw = model.forward(input);
    const loss = yolov5Loss(raw, targets, settings);
    losses.push(loss.total.item());
    components.push(componentsOf(loss));
    if (iteration === 0) {
      checks.push(...rawOutputs('train', file.train_outputs, raw, tolerance.train_raw_abs_over_std));
      checks.push(
        ...assignment(
          file.loss,
          assignTargets(
            targets,
            model.anchors,
            raw.map(({ shape: [, , height, width] }) => ({ height, width })),
            file.loss.hyp.anchor_t,
          ),
        ),
      );
    }
    if (iteration === step.losses.length - 1) break;
    optimizer.zeroGrad();
    loss.total.backward();
    if (iteration === 0) checks.push(...gradients(model.namedParameters(), step, tolerance.grad_norm_rel));
    optimizer.step();
  }
  const limit = tolerance.loss_rel;
  return [
    check.within('loss', check.relative([file.loss.total], losses.slice(0, 1)), limit),
    check.within('parts of the loss', check.relative(file.loss.components, components[0]), limit),
    check.within('train losses', check.relative(step.losses, losses), limit),
    check.within('parts of the train losses', check.relative(step.components.flat(), components.flat()), limit),
    ...checks,
    ...runningStatistics(model, step.bn_after_2_steps_plus_forward),
  ];
}

function assignment({ assignment: recorded }: RecordedLoss, found: readonly Assignment[]): Check[] {
  return recorded.flatMap(({ count, rows }, level) => {
    const ours = rowsOf(found[level]).sort(byColumns).slice(0, rows.length);
    const label = `assignment on level ${level}`;
    const worst = Math.max(
      0,
      ...rows.flatMap((row, i) => row.map((value, k) => Math.abs(value - (ours[i]?.[k] ?? Number.NaN)))),
    );
    return [
      check.same(`${label}, number`, [count], [found[level].image.size(0)]),
      check.within(label, worst, ASSIGNMENT),
    ];
  });
}

function rowsOf({ image, anchor, row, column, classes, boxes, anchorSizes }: Assignment): number[][] {
  const whole = [image, anchor, row, column, classes].map(check.numbers);
  const [box, size] = [boxes.toArray(), anchorSizes.toArray()] as [number[][], number[][]];
  return box.map((_, i) => [...whole.map((values) => values[i]), ...box[i], ...size[i]]);
}

function byColumns(a: readonly number[], b: readonly number[]): number {
  const first = a.findIndex((value, i) => value !== b[i]);
  return first < 0 ? 0 : a[first] - b[first];
}

/** `yolov5/nms_*.json` */
export interface YoloV5NmsFile {
  source: string;
  prediction: { shape: number[]; made_from: string; stats: Recorded };
  cases: {
    args: {
      conf_thres?: number;
      iou_thres?: number;
      agnostic?: boolean;
      multi_label?: boolean;
      classes?: number[];
      max_det?: number;
    };
    counts: number[];
    /** The first rows for each image: corners, score, class. */
    output: number[][][];
  }[];
}

/** Pixels and scores. */
const DETECTION = 1e-4;

export function* checkYoloV5Nms({ source, prediction, cases }: YoloV5NmsFile): Iterable<Check> {
  const version = versionOf(parts(source, /(v\d+\.\d+)/)[0]);
  yield* tidy(() => {
    const decoded = describedPrediction(prediction);
    return [
      check.tensor('prediction', prediction.stats, decoded, 1e-6),
      ...cases.flatMap(({ args, counts, output }) => {
        const { conf_thres, iou_thres, agnostic, multi_label, classes, max_det, ...rest } = args;
        const [unknown] = Object.keys(rest);
        const label = JSON.stringify(args);
        if (unknown) return [check.failed(label, `the argument ${unknown} is not supported`)];
        const found = yolov5Detections(decoded, {
          version,
          // The reference's own defaults.
          scoreThreshold: conf_thres ?? 0.25,
          iouThreshold: iou_thres ?? 0.45,
          ...(max_det !== undefined && { maxDetections: max_det }),
          ...(agnostic && { agnostic }),
          ...(multi_label && { multiLabel: multi_label }),
          ...(classes && { only: classes }),
        });
        const rows = found.map(({ boxes, scores, labels }) =>
          Array.from(scores, (score, k) => [...boxes.subarray(4 * k, 4 * k + 4), score, labels[k]]),
        );
        const differences = output.flatMap((image, i) =>
          image.flatMap((row, k) => row.map((value, column) => Math.abs(value - (rows[i][k]?.[column] ?? Number.NaN)))),
        );
        return [
          check.same(
            `${label}, number`,
            counts,
            rows.map(({ length }) => length),
          ),
          check.within(label, Math.max(0, ...differences), DETECTION),
        ];
      }),
    ];
  });
}

/** Column 0 to 3 and 4 and on follow formulas of u, which stand in the file in words. */
function describedPrediction({ shape, made_from }: YoloV5NmsFile['prediction']): Tensor {
  const number = '([\\d.]+)';
  const [name, width, height, least, more, power] = parts(
    made_from,
    new RegExp(
      `u of name "(\\w+)".*column 0 = ${number}\\*u, 1 = ${number}\\*u, 2 and 3 = ${number}\\+${number}\\*u, 4 = u, 5\\.\\. = u\\^(\\d+)`,
    ),
  );
  const [, , columns] = shape;
  const side = (u: number): number => Number(least) + Number(more) * u;
  let index = 0;
  const values = generate(
    name,
    shape.reduce((product, size) => product * size, 1),
    (u) => {
      const column = index++ % columns;
      return [Number(width) * u, Number(height) * u, side(u), side(u), u][column] ?? u ** Number(power);
    },
  );
  return tensorOf(values).reshape(shape);
}
