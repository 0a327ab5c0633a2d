import type { ImageCache } from '@fovea/data';
import type { nn } from '@fovea/torch';
import type { Report } from '../job/events.ts';
import type { EpochRecord } from '../job/job-record.ts';
import type { JobData } from '../job/prepare-data.ts';
import type { WeightsOrigin } from '../model-folder/layout.ts';
import type { Task } from '../spec/tasks.ts';
import { largestFittingBatch, largestUsefulBatch, type Sized } from './batch-size.ts';
import type { EarlierCheckpoint } from './earlier-checkpoint.ts';
import type { MeasuredPrecision } from './precision.ts';
import { rememberedPrecision } from './remembered-precision.ts';
import type { LoopSettings } from './train.ts';
import type { Sample, TrainingTask } from './training-task.ts';
import type { Rehearsal } from './trial-steps.ts';

/** What a trial needs besides its hyperparameters. */
export interface TrialContext {
  job: string;
  task: Task;
  /** A folder of this trial alone. */
  folder: string;
  /** What the workspace remembers between jobs. */
  cacheFolder: string;
  /** Decoded images, of all trials of the job. */
  imageCache: ImageCache;
  data: JobData;
  /** A checkpoint's path, `none`, or nothing for published weights where they can be had. */
  weights: string | undefined;
  /** Of other training, which this one goes on with. */
  earlier: EarlierCheckpoint | null;
  /** The hyperparameters that the job itself names: these are never changed. */
  given: ReadonlySet<string>;
  /** Choose what the job leaves open by the amount of data, instead of the documented defaults. */
  fitToData: boolean;
  /** CPU threads that the trial may use. */
  threads: number;
  report: Report;
  signal: AbortSignal;
  /** Whether the job's time is up. What was reached until then is exported. */
  isTimeUp: () => boolean;
  /** Told when the trial's record has changed. */
  keep: () => Promise<void>;
  /** Asked after each evaluation that was kept; true ends training. */
  endEarly: (history: readonly EpochRecord[]) => Promise<boolean>;
}

/** What a trial's model and hyperparameters depend on, besides those that are given. */
export type Preparation = Pick<
  TrialContext,
  'task' | 'cacheFolder' | 'weights' | 'earlier' | 'given' | 'fitToData' | 'report' | 'signal'
>;

/** What is known of a trained model, which has its best weights. */
export interface FinishedTraining {
  job: string;
  trial: string;
  folder: string;
  /** The file of the weights. */
  weights: string;
  best: EpochRecord;
  device: string;
}

/** A model with its weights and settled hyperparameters, ready to train. */
export interface PreparedTrial<S extends Sample, A> {
  task: TrainingTask<S, A>;
  modelName: string;
  hyperparameters: LoopSettings & { random_seed: number; number_of_workers: number | null };
  origin: WeightsOrigin;
  measured: MeasuredPrecision;
  /** A training step on random images, which have this part of the pixels that the trial's have. */
  rehearsal: { step: Rehearsal; pixels: number };
  /** How large images are in the network, in words. */
  imageSize: string;
  /** Writes what others use of the trained model. */
  exportModel(finished: FinishedTraining, options: { report: Report; signal: AbortSignal }): Promise<void>;
}

interface Settling {
  modelName: string;
  /** Of the images in pixels. */
  size: number;
  rehearse: Rehearsal;
  /** With images as large as they come, where they are not all of one size. Default: the same. */
  rehearseLargest?: Rehearsal;
  /** Training images. */
  images: number;
  context: Pick<TrialContext, 'cacheFolder' | 'report'>;
  device: string;
}

/** Chooses the arithmetic, and where a batch size is `auto`, the largest that fits. */
export function settle<H extends { training_batch_size: number | 'auto'; validation_batch_size: number | 'auto' }>(
  hp: H,
  model: nn.AnyModule,
  { modelName, size, rehearse, rehearseLargest = rehearse, images, context: { cacheFolder, report }, device }: Settling,
): { hyperparameters: Sized<H>; measured: MeasuredPrecision } {
  const measured = rememberedPrecision(cacheFolder, modelName, model, {
    size,
    device,
    rehearse,
    onMeasure: () =>
      report({ type: 'phase', name: 'precision', message: 'timing a few steps to choose the arithmetic' }),
  });
  let training = hp.training_batch_size;
  if (training === 'auto') {
    report({ type: 'phase', name: 'batch', message: 'trying how large a batch can be' });
    const useful = largestUsefulBatch(images);
    training = largestFittingBatch(model, { rehearse: rehearseLargest, precision: measured.precision, most: useful });
    const reason =
      training < useful ? 'memory suffices for no more' : `a larger one would make few steps of ${images} images`;
    report({ type: 'log', level: 'info', message: `training_batch_size auto: ${training}; ${reason}` });
  }
  const validation = hp.validation_batch_size === 'auto' ? training : hp.validation_batch_size;
  return {
    hyperparameters: { ...hp, training_batch_size: training, validation_batch_size: validation },
    measured,
  };
}
