import type { Sample as LoadedImage } from '@fovea/data';
import type { nn, Tensor } from '@fovea/torch';
import type { Normalisation } from '@fovea/vision';
import type { DetectionTables, EvaluationTables } from '../metrics/index.ts';
import type { Task } from '../spec/tasks.ts';

/** An image as it is shown once. Tasks add what is in it then. */
export interface Sample {
  readonly file: string;
  /** How its pixels are made. */
  readonly image: LoadedImage;
  /** Where they lie on a larger canvas, which is what the network gets; without it they are all that it gets. */
  readonly canvas?: SampleCanvas;
}

/** In pixels. */
export interface SampleCanvas {
  readonly width: number;
  readonly height: number;
  /** Of the image's upper left corner. */
  readonly left: number;
  readonly top: number;
  /** Value of all channels where the image is not, 0 … 255. */
  readonly fill: number;
}

/** How good a model's answers on the validation images are. */
export interface Evaluation {
  /** By the names of the contract; one that is not defined for these images is left out. */
  readonly metrics: Record<string, number>;
  /** What the charts of the best epoch are drawn from, by the name of the table. Made when asked for: training needs only the metrics. */
  readonly tables: () => EvaluationTables | DetectionTables;
}

export interface Losses {
  /** Scalar: the mean over the images, which training minimises. */
  readonly loss: Tensor;
  /** Scalars that it is the sum of, by their names; none where it is one term. */
  readonly parts: Readonly<Record<string, Tensor>>;
}

/** Computes a part of the network in the arithmetic that was chosen for training; what comes out is float32 again. */
export type InPrecision = <T extends Tensor | Tensor[]>(forward: () => T) => T;

/** Which step of training samples are for: all that is random about them depends on this and nothing else. */
export interface SampleMoment {
  seed: number;
  epoch: number;
  /** Number of the batch in the epoch … */
  batch: number;
  /** … and of its first image. */
  position: number;
}

/**
 * All that the loop of training asks of a task: its images, as samples that a loader can make, the loss of a network on them, and a
 * judgement of its answers. Images are numbered, in either set from 0.
 */
export interface TrainingTask<S extends Sample, Answers> {
  readonly name: Task;
  readonly primaryMetric: string;
  readonly classes: readonly string[];
  readonly model: nn.AnyModule;
  readonly trainingImages: number;
  readonly validationImages: number;
  /** What is done to the pixels of samples before the network gets them. */
  readonly normalisation: Normalisation;
  /** Whether the sum over a batch is minimised instead of the mean, so that a larger batch moves the weights further. */
  readonly minimisesSum: boolean;
  /** Whether a moving average of the weights is judged and served, and not the weights of the last update. */
  readonly averagesWeights: boolean;
  /** Whether weight decay leaves biases and normalisations alone. */
  readonly decaysWeightsOnly: boolean;

  /** The images of a batch as training shows them at a moment. */
  trainingSamples(images: readonly number[], moment: SampleMoment): S[];
  /** The same each time. */
  validationSamples(images: readonly number[]): S[];

  /** @param input normalised, `[N, 3, H, W]` */
  losses(input: Tensor, samples: readonly S[], inPrecision: InPrecision): Losses;
  /** By how much the mean loss of these images counts where it is added to that of others. */
  lossWeight(samples: readonly S[]): number;
  /** What the network answers, in evaluation mode, as little of it as judging needs. Tensors in it are freed by `judge`. */
  answers(input: Tensor, samples: readonly S[]): Answers;
  /** @param answers of all validation images, batch by batch */
  judge(answers: readonly Answers[]): Evaluation;
}
