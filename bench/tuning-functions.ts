import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a hyperparameter search is measured on: functions to minimise, with what Optuna reached on them. */
export interface TuningFunction {
  readonly id: string;
  /** As in a job file. */
  readonly space: readonly Values[];
  readonly valueAt: (values: Values) => number;
  /** Medians and interquartile ranges of the best values after so many trials, over 30 seeds, by the name of the sampler. */
  readonly recorded: Readonly<Record<string, Readonly<Record<`after_${number}`, { median: number; iqr: number }>>>>;
}

type Values = { readonly [name: string]: unknown };

/** A hyperparameter in the file of recorded figures. `when`: it is there only with one of these values of others. */
interface Recorded {
  name: string;
  type: 'uniform' | 'loguniform_bounds' | 'int' | 'quniform_grid' | 'choice';
  low: number;
  high: number;
  q: number;
  values: unknown[];
  when?: Record<string, unknown[]>;
}

/** A function in the file of recorded figures. */
interface RecordedFunction {
  id: string;
  space: Recorded[];
  constants: Constants;
  check_points: [Values, number][];
  results: TuningFunction['recorded'];
}

/**
 * The functions of `goldens/hpo/optimizer_quality.json`, whose formulas are written there in words, with the figures of Optuna and others.
 * A function of the file that is not known here is left out.
 *
 * @throws Error where a formula does not give the values that the file says it does
 */
export function tuningFunctions(shared: string): TuningFunction[] {
  const file = JSON.parse(readFileSync(join(shared, 'goldens/hpo/optimizer_quality.json'), 'utf8'));
  return (file.functions as RecordedFunction[])
    .filter(({ id }) => Object.hasOwn(FORMULAS, id))
    .map(({ id, space, constants, check_points: points, results }) => {
      const valueAt = (values: Values) => FORMULAS[id](values as Numbers & Words, constants);
      for (const [values, expected] of points) {
        const value = valueAt(values);
        if (!(Math.abs(value - expected) <= 1e-6 * Math.max(1, Math.abs(expected))))
          throw new Error(`${id} is ${value} at ${JSON.stringify(values)}, and should be ${expected}`);
      }
      return { id, space: spaceOf(space), valueAt, recorded: results };
    });
}

/** Sub-spaces by the values of the parameter that others depend on; one where there is none. */
function spaceOf(parameters: readonly Recorded[]): Values[] {
  const branch = parameters.find(({ name }) => parameters.some(({ when }) => when?.[name]));
  const drawn = (some: readonly Recorded[]) => Object.fromEntries(some.map((one) => [one.name, distributionOf(one)]));
  if (!branch) return [drawn(parameters)];
  return branch.values.map((value) => ({
    ...drawn(parameters.filter(({ when }) => !when || when[branch.name]?.includes(value))),
    [branch.name]: value,
  }));
}

function distributionOf({ type, low, high, q, values }: Recorded): Values {
  const steps = (step: number) => Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, i) => low + i * step);
  switch (type) {
    case 'uniform':
      return { type: 'uniform', min_value: low, max_value: high };
    case 'loguniform_bounds':
      return { type: 'loguniform', min_value: Math.log(low), max_value: Math.log(high) };
    case 'int':
      return { type: 'choice', values: steps(1) };
    case 'quniform_grid':
      return { type: 'choice', values: steps(q) };
    case 'choice':
      return { type: 'choice', values };
  }
}

type Numbers = Readonly<Record<string, number>>;
type Words = Readonly<Record<'kind' | 'flag' | 'optimizer' | 'model_name' | 'model_size', string>>;
type Constants = Readonly<{
  a: number[];
  A: number[][];
  P: number[][];
  period: number;
  flag_cost: number;
  lr_batch: number;
  opt_shift: number;
  kind: Record<string, Numbers & Words>;
  model: Record<string, Numbers & { family: string }>;
}>;

const { PI, abs, cos, exp, log, log10, log2, sin } = Math;
const error = (e: number, steepness: number, offset: number) => 1 - 1 / (1 + exp(-(offset - steepness * e)));
const sum = (terms: readonly number[]) => terms.reduce((a, b) => a + b, 0);

const FORMULAS: Readonly<Record<string, (values: Numbers & Words, constants: Constants) => number>> = {
  branin: ({ x1, x2 }) =>
    (x2 - (5.1 / (4 * PI ** 2)) * x1 * x1 + (5 / PI) * x1 - 6) ** 2 + 10 * (1 - 1 / (8 * PI)) * cos(x1) + 10,
  hartmann6: (x, { a, A, P }) =>
    -sum(a.map((weight, i) => weight * exp(-sum(A[i].map((scale, j) => scale * (x[`x${j + 1}`] - P[i][j]) ** 2))))),
  rosenbrock4_log(x) {
    const z = [1, 2, 3, 4].map((i) => log(x[`x${i}`]));
    return log10(1 + sum([0, 1, 2].map((i) => 100 * (z[i + 1] - z[i] ** 2) ** 2 + (1 - z[i]) ** 2)));
  },
  mixed_1({ kind, x, y, n, flag }, { kind: kinds, period, flag_cost }) {
    const k = kinds[kind];
    const wave = 0.3 * (1 - cos((2 * PI * (x - k.mu)) / period));
    const rest = 0.5 * (log10(y) - k.t) ** 2 + 0.05 * abs(n - k.n0) + (flag === k.flag ? 0 : flag_cost);
    return k.base + 0.1 * (x - k.mu) ** 2 + wave + rest;
  },
  automl_cls_1(values, { model, lr_batch, opt_shift }) {
    const { model_name: name, optimizer, learning_rate: rate, batch_size: batch } = values;
    const m = model[name];
    const [l, b] = [log10(rate), log2(batch)];
    const d = l - (m.lr0 + lr_batch * (b - 5) + (optimizer === 'sgd' ? opt_shift : 0));
    let e = m.base + (d < 0 ? 0.09 : 0.2) * d * d + (d > 1.2 ? 0.25 * (d - 1.2) : 0) + 0.012 * abs(b - m.b0);
    if (m.family === 'cnn') e += 0.02 * abs(values.layers_to_freeze - m.fz) ** 1.5;
    if (m.family === 'vit') e += 0.3 * (values.dropout - m.dr) ** 2 + 0.015 * (log10(values.weight_decay) - m.wd) ** 2;
    if (m.family === 'mob') e += 0.08 * ((values.resize - m.rs) / 128) ** 2;
    e += 0.006 * sin(7 * l + b) + 0.01 * cos(3 * l) * (optimizer === 'adamw' ? 1 : 0.5);
    return error(e, 6, 1.8);
  },
  automl_det_1(values, { model }) {
    const { model_name: name, model_size: size, img_size: pixels } = values;
    const m = model[name];
    const [l, b] = [log10(values.learning_rate), log2(values.batch_size)];
    const d = l - (m.lr0 + 0.15 * (b - 2));
    let e = m.base + 0.11 * d * d + (d > 1 ? 0.3 * (d - 1) : 0) + 0.015 * (b - m.b0) ** 2;
    e += 0.2 * (values.momentum - m.mom) ** 2 + 0.01 * (log10(values.weight_decay) - m.wd) ** 2;
    if (name === 'yolov5') {
      e += { small: 0.06, medium: 0.02, large: 0, extra_large: 0.015 }[size] ?? 0;
      e += 0.05 * ((pixels - m.im) / 256) ** 2;
      if (size === 'extra_large' && pixels > 768 && b >= 4) e += 0.35;
    } else {
      e += 0.04 * ((values.min_size - m.im) / 200) ** 2 + 0.25 * (values.nms_iou_thresh - m.nms) ** 2;
      if (name === 'retinanet_resnet50_fpn') e += 0.1 * (values.focal_alpha - m.fa) ** 2;
    }
    e += 0.008 * sin(5 * l) * cos(2 * b);
    return error(e, 5, 1.2);
  },
};
