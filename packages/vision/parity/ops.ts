import { manualSeed, nn, ops, rand, randint, randn, randperm, type Tensor, tensor, tidy } from '@fovea/torch';
import * as check from './check.ts';
import { described, parts } from './described.ts';
import { generated } from './fill.ts';

type Check = check.Check;

/** Parity of operators is asked to this part of a tensor's standard deviation, or of a number. */
const TOLERANCE = 1e-5;

/** `ops/cpu_generator.json`: what a seeded generator gives, call after call. */
export interface GeneratorFile {
  seeds: Record<string, Record<string, number[]>>;
}

/** The recorded calls by the names they have in the file: kind and numbers, as in `randint_0_100_6`. */
const DRAWS: readonly [pattern: RegExp, draw: (...numbers: number[]) => Tensor][] = [
  [/^randperm_(\d+)$/, (n) => randperm(n)],
  [/^rand_(\d+)$/, (n) => rand([n])],
  [/^randn_(\d+)(?:_first\d+)?$/, (n) => randn([n])],
  [/^randint_(\d+)_(\d+)_(\d+)$/, (low, high, n) => randint(low, high, [n])],
  [/^bernoulli_half_(\d+)$/, (n) => ops.bernoulli(tensor(Array(n).fill(0.5)))],
];

export function* checkGenerator(file: GeneratorFile): Iterable<Check> {
  for (const [seed, draws] of Object.entries(file.seeds)) {
    manualSeed(Number(seed));
    for (const [name, values] of Object.entries(draws)) {
      const label = `seed ${seed} ${name}`;
      const found = tidy(() => draw(name));
      yield found
        ? check.within(label, check.relative(values, found.slice(0, values.length)), TOLERANCE)
        : check.failed(label, 'an unknown kind of call');
    }
  }
}

function draw(name: string): number[] | null {
  for (const [pattern, make] of DRAWS) {
    const found = pattern.exec(name);
    if (found) return check.numbers(make(...found.slice(1).map(Number)));
  }
  return null;
}

/** `ops/losses.json`: losses and activations of generated tensors. */
export interface LossesFile {
  /** In words: which tensors are which. */
  inputs: string;
  [figure: string]: number | string | check.RecordedTensor;
}

interface LossInputs {
  logits: Tensor;
  classes: Tensor;
  a: Tensor;
  b: Tensor;
  labels: Tensor;
}

/** The figures by the names they have in the file; a number in a name is a setting. */
const FIGURES: readonly [pattern: RegExp, figure: (inputs: LossInputs, setting: number) => Tensor][] = [
  [/^cross_entropy_mean$/, ({ logits, classes }) => nn.functional.crossEntropy(logits, classes)],
  [
    /^cross_entropy_label_smoothing_(.+)$/,
    ({ logits, classes }, labelSmoothing) => nn.functional.crossEntropy(logits, classes, { labelSmoothing }),
  ],
  [
    /^cross_entropy_weighted_1\.\.(\d+)$/,
    ({ logits, classes }, last) =>
      nn.functional.crossEntropy(logits, classes, { weight: tensor(Array.from({ length: last }, (_, i) => i + 1)) }),
  ],
  [/^bce_with_logits_mean$/, ({ logits, labels }) => nn.functional.binaryCrossEntropyWithLogits(logits, labels)],
  [
    /^bce_with_logits_pos_weight_(.+)$/,
    ({ logits, labels }, weight) =>
      nn.functional.binaryCrossEntropyWithLogits(logits, labels, {
        posWeight: tensor(Array(logits.size(-1)).fill(weight)),
      }),
  ],
  [/^smooth_l1_beta_(.+)_sum$/, ({ a, b }, beta) => nn.functional.smoothL1Loss(a, b, { beta, reduction: 'sum' })],
  [/^l1_sum$/, ({ a, b }) => nn.functional.l1Loss(a, b, { reduction: 'sum' })],
  [/^softmax$/, ({ logits }) => logits.softmax(-1)],
  [/^gelu_exact$/, ({ a }) => new nn.GELU().forward(a)],
  [/^silu$/, ({ a }) => new nn.SiLU().forward(a)],
  [/^hardswish$/, ({ a }) => new nn.Hardswish().forward(a)],
  // Of 4a, so that the upper bend is reached.
  [/^relu6$/, ({ a }) => new nn.ReLU6().forward(a.mul(4))],
];

export function* checkLosses({ source: _, inputs: description, ...figures }: LossesFile): Iterable<Check> {
  yield* tidy(() => {
    const inputs = lossInputs(description);
    return Object.entries(figures).map(([name, reference]) => {
      const found = figureOf(name, inputs);
      if (!found) return check.failed(name, 'an unknown kind of figure');
      return typeof reference === 'number'
        ? check.within(name, check.relative([reference], [found.item()]), TOLERANCE)
        : check.tensor(name, reference as check.RecordedTensor, found, TOLERANCE);
    });
  });
}

function figureOf(name: string, inputs: LossInputs): Tensor | null {
  for (const [pattern, figure] of FIGURES) {
    const found = pattern.exec(name);
    if (!found) continue;
    const [numerator, denominator = 1] = (found[1] ?? '').split('/').map(Number);
    return figure(inputs, numerator / denominator);
  }
  return null;
}

/** Reads the sentence that says how the inputs of the losses are made. */
function lossInputs(description: string): LossInputs {
  const [classes] = parts(description, /classes ([\d,]+)/);
  const [labels, threshold] = parts(description, /t = u of (\w+) > ([\d.]+)/);
  const logits = described(description, 'logits');
  return {
    logits,
    classes: tensor(classes.split(',').map(Number), { dtype: 'int64' }),
    a: described(description, 'a'),
    b: described(description, 'b'),
    labels: generated(labels, logits.shape, (s) => ((s + 1) / 2 > Number(threshold) ? 1 : 0)),
  };
}
