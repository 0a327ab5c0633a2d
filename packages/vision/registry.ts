import type { nn } from '@fovea/torch';
import type { WeightSource } from './weights/source.ts';

/** Every size from one on (where `step` is given, its multiples), or only some. */
export type ImageSizes = { readonly from: number; readonly step?: number } | { readonly only: readonly number[] };

/** Hyperparameters by their names in job files. */
export type HyperparameterValues = Readonly<Record<string, number | boolean | string>>;

/** How pictures come into a network. */
export interface InputRules {
  /** Height and width in pixels that the published weights were trained at. */
  size: number;
  /** The heights and widths that it can be trained at. */
  sizes: ImageSizes;
  /** Whether it is made for one size: training and validation images must then have the same. False when not given. */
  oneSize?: boolean;
  /** Per channel, subtracted from values 0 … 1. */
  mean: readonly number[];
  /** Per channel, divided by. */
  std: readonly number[];
  /** How a picture is brought to that size. */
  interpolation: 'bilinear' | 'bicubic';
}

/** All that the rest of the house knows of a classifier. */
export interface Classifier {
  /** As job files call it. */
  readonly name: string;
  /** Other names that people have for it. */
  readonly aliases: readonly string[];
  /** A new network `[N, 3, size, size]` → logits `[N, classes]`, its weights drawn from the default generator. */
  readonly build: (classes: number, size: number) => nn.Module;
  /** Number of its parameters for ImageNet's 1000 classes. */
  readonly parameters: number;
  readonly paper: string;
  readonly input: InputRules;
  /** Weights learned on ImageNet's 1000 classes. */
  readonly weights: WeightSource;
  /** The parameters that depend on the classes, by the prefix of their names. */
  readonly head: string;
  /**
   * Path of the module whose output explanations look at: the last maps `[N, C, h, w]` that still have places, or of a transformer the
   * last tokens `[N, 1 + n · n, C]`, the class token first, that the class token hears of.
   */
  readonly gradCam: string;
  /** Stages from the input on, each by the prefixes of its parameters: `layers_to_freeze: k` stands for the first k. */
  readonly freeze: readonly (string | readonly string[])[];
  /** What a job trains it with where the job says nothing, if that is not what all models are trained with. */
  readonly defaults: HyperparameterValues;
  /** The same for multi-label jobs, over `defaults`. */
  readonly multilabelDefaults: HyperparameterValues;
}

/** What a model's file says of it; what is the same for most may be left out. */
export type ClassifierDefinition = Omit<Classifier, 'aliases' | 'defaults' | 'multilabelDefaults'> &
  Partial<Pick<Classifier, 'aliases' | 'defaults' | 'multilabelDefaults'>>;

const classifiers = new Map<string, Classifier>();
const names = new Map<string, string>();

/**
 * Makes a classifier known under its name. One such call in one file is all that a new model takes:
 *
 * ```ts
 * classifier({
 *   name: 'tinynet',
 *   build: (classes) => new TinyNet(classes),
 *   parameters: 1_234_567,
 *   paper: 'https://example.org/tinynet',
 *   input: { size: 224, sizes: { from: 32 }, mean: IMAGENET_MEAN, std: IMAGENET_STD, interpolation: 'bilinear' },
 *   weights: huggingFace('someone/tinynet', 'model.safetensors', { licence: 'MIT' }),
 *   head: 'output.',
 *   gradCam: 'body',
 *   freeze: ['stem.', 'body.'],
 *   defaults: { optimizer: 'adamw', learning_rate: 0.0005 },
 * });
 * ```
 * @throws RangeError when the name is taken
 */
export function classifier(definition: ClassifierDefinition): Classifier {
  const entry: Classifier = Object.freeze({ aliases: [], defaults: {}, multilabelDefaults: {}, ...definition });
  for (const name of [entry.name, ...entry.aliases]) {
    if (names.has(name)) throw new RangeError(`There is a model called ${name} already`);
    names.set(name, entry.name);
  }
  classifiers.set(entry.name, entry);
  return entry;
}

/** Names of all classifiers, in order of registration; aliases are left out. */
export const modelNames = (): string[] => [...classifiers.keys()];

export const isModelName = (name: string): boolean => names.has(name);

/** There is no model of that name. */
export class UnknownModelError extends Error {
  override readonly name = 'UnknownModelError';
  readonly model: string;

  constructor(model: string) {
    super(`There is no model called "${model}"; there are ${modelNames().join(', ')}`);
    this.model = model;
  }
}

/**
 * The classifier of that name or alias.
 *
 * @throws UnknownModelError
 */
export function findModel(name: string): Classifier {
  const entry = classifiers.get(names.get(name) ?? '');
  if (!entry) throw new UnknownModelError(name);
  return entry;
}

/** Whether a model can be made for images of so many pixels in height and width. */
export function takesSize({ input: { sizes } }: Classifier, size: number): boolean {
  if ('only' in sizes) return sizes.only.includes(size);
  return size >= sizes.from && size % (sizes.step ?? 1) === 0;
}

/** The sizes that a model takes, in words: `224 or 256`, `32 and more`, `multiples of 16`. */
export function sizesInWords({ input: { sizes } }: Classifier): string {
  if ('only' in sizes) return sizes.only.join(' or ');
  const { from, step = 1 } = sizes;
  if (step === 1) return `${from} and more`;
  return from === step ? `multiples of ${step}` : `multiples of ${step} from ${from} on`;
}

/**
 * A new network for so many classes, in training mode, its weights drawn from the default generator.
 *
 * @param options.size height and width of the images in pixels; that of the published weights when not given
 * @throws UnknownModelError, RangeError for no classes or a size that the model does not take
 */
export function createModel(name: string, { classes, size }: { classes: number; size?: number }): nn.Module {
  const entry = findModel(name);
  if (!Number.isInteger(classes) || classes < 1)
    throw new RangeError(`${name} for ${classes} classes: at least 1 is needed`);
  const pixels = size ?? entry.input.size;
  if (!takesSize(entry, pixels)) {
    throw new RangeError(`${name} for images of ${pixels} × ${pixels} pixels: it takes ${sizesInWords(entry)}`);
  }
  return entry.build(classes, pixels);
}

/**
 * Freezes the first `stages` stages of a network made from `entry` (`layers_to_freeze` in a job file): their parameters
 * get no gradient and their batch norms keep their statistics. 0 freezes nothing.
 *
 * @throws RangeError when the network has fewer stages
 */
export function freezeStages(model: nn.AnyModule, entry: Pick<Classifier, 'name' | 'freeze'>, stages: number): void {
  if (!Number.isInteger(stages) || stages < 0 || stages > entry.freeze.length) {
    throw new RangeError(
      `layers_to_freeze is ${stages}, but ${entry.name} has 0 to ${entry.freeze.length} layers that can be frozen: ` +
        entry.freeze.map((prefixes) => [prefixes].flat().join(' + ')).join(', '),
    );
  }
  model.freeze(entry.freeze.slice(0, stages).flat());
}
