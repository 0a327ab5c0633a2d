/** The detectors that job files can name, as `registry.ts` has the classifiers. */
import type { nn, Tensor } from '@fovea/torch';
import type { DetectionLosses, Detections, DetectionTarget } from './detection/index.ts';
import type { HyperparameterValues } from './registry.ts';
import type { Normalisation, Size } from './transforms/index.ts';
import type { WeightSource } from './weights/source.ts';

/** Images of one tensor and what of it they are. */
export interface DetectorInput {
  /** Normalised, `[N, 3, H, W]`. */
  readonly images: Tensor;
  /** Of each image, which lies in the left top corner; what is right of it and below is no image. */
  readonly sizes: readonly Size[];
}

/** How images are brought into a detector. */
export type DetectorFit =
  /** The shorter side gets `minSize` pixels, unless the longer one then exceeded `maxSize`. */
  | { readonly kind: 'within'; readonly minSize: number; readonly maxSize: number; readonly stride: number }
  /** As a whole onto the middle of a grey square. */
  | { readonly kind: 'letterbox'; readonly size: number; readonly stride: number };

/** Computes a part of the network in the arithmetic that was chosen for it; what comes out is float32 again. */
export type InArithmetic = <T extends Tensor | Tensor[]>(forward: () => T) => T;

/** A network that finds objects, as training and validation use it; classes are counted from 0. */
export interface ObjectDetector {
  readonly network: nn.AnyModule;
  readonly fit: DetectorFit;
  readonly normalisation: Normalisation;
  /** Which label of the network itself is the first class; 1 where 0 is the background. */
  readonly firstLabel: number;
  /** Whether the sum over the images of a batch is minimised instead of the mean. */
  readonly minimisesSum: boolean;
  /** Whether a moving average of the weights is served, and not the weights of the last update. */
  readonly averagesWeights: boolean;
  /** Whether weight decay leaves biases and normalisations alone. */
  readonly decaysWeightsOnly: boolean;
  /**
   * The terms of the loss, each a mean over the images.
   *
   * @param targets in pixels of the input, with classes as labels; a detector of masks needs theirs, as large as each image
   * @throws RangeError for a box without area
   */
  losses(input: DetectorInput, targets: readonly DetectionTarget[], inArithmetic: InArithmetic): DetectionLosses;
  /**
   * What is in each image, in pixels of the input, best first, with classes as labels; of a detector of masks with `masks`. No gradient
   * is kept.
   */
  detect(input: DetectorInput): Detections[];
}

/** What a job settles of a detector. Those that have no such setting pass over it. */
export interface DetectorSettings {
  /** Number of classes, without background. */
  classes: number;
  minSize?: number | undefined;
  maxSize?: number | undefined;
  imageSize?: number | undefined;
  modelSize?: string | undefined;
  /** Detections need a higher score. */
  scoreThreshold: number;
  nmsIouThreshold: number;
  detectionsPerImage?: number | undefined;
  /** Batch norms that learn, for weights that start from random numbers; those of published weights stay as they are. */
  learnsNormalisation: boolean;
}

/** All that the rest of the house knows of a detector. */
export interface DetectorModel {
  /** As job files call it. */
  readonly name: string;
  /** Boxes around objects, or also which pixels are theirs: its losses need masks then, and its detections have some. */
  readonly finds: 'boxes' | 'masks';
  readonly paper: string;
  /** A new network, its weights drawn from the default generator. */
  readonly build: (settings: DetectorSettings) => ObjectDetector;
  /** Weights learned on COCO; null where nobody publishes any. */
  readonly weightsOf: (settings: Pick<DetectorSettings, 'modelSize'>) => WeightSource | null;
  /** The classifier whose published weights are its backbone's, and the prefix of those parameters. */
  readonly backbone: { readonly classifier: string; readonly prefix: string } | null;
  /** The parameters that depend on the classes, by the prefixes of their names. */
  readonly head: string | readonly string[];
  /** Stages from the input on, each by the prefixes of its parameters: `layers_to_freeze: k` stands for the first k. */
  readonly freeze: readonly (string | readonly string[])[];
  /** What a job trains it with where the job says nothing, if that is not what all detectors are trained with. */
  readonly defaults: HyperparameterValues;
}

const detectors = new Map<string, DetectorModel>();

/**
 * Makes a detector known under its name.
 *
 * @throws RangeError when the name is taken
 */
export function detector(
  definition: Omit<DetectorModel, 'finds' | 'defaults'> & Partial<Pick<DetectorModel, 'finds' | 'defaults'>>,
) {
  if (detectors.has(definition.name)) throw new RangeError(`There is a detector called ${definition.name} already`);
  const entry: DetectorModel = Object.freeze({ finds: 'boxes', defaults: {}, ...definition });
  detectors.set(entry.name, entry);
  return entry;
}

/** Names of the detectors, in order of registration: those that find so much, or all. */
export const detectorNames = (finds?: DetectorModel['finds']): string[] =>
  [...detectors.values()].filter((entry) => finds === undefined || entry.finds === finds).map(({ name }) => name);

/**
 * The detector of that name.
 *
 * @throws RangeError
 */
export function findDetector(name: string): DetectorModel {
  const entry = detectors.get(name);
  if (!entry) throw new RangeError(`There is no detector called "${name}"; there are ${detectorNames().join(', ')}`);
  return entry;
}
