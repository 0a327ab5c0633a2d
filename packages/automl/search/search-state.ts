import type { ImageJob } from '../spec/job.ts';
import type { Assignment } from './space.ts';

/** What is known of a trial when something is decided. */
export interface TriedTrial {
  /** From 0, in the order in which a job's trials were chosen. */
  readonly number: number;
  readonly draw: Assignment;
  /** `stopped`: ended by a policy, or by AutoMode, before its last epoch. */
  readonly status: 'running' | 'completed' | 'stopped' | 'failed' | 'canceled';
  /** The primary metric of each evaluation so far, with the epoch (from 1) it was made after; NaN where it came out so. */
  readonly reports: readonly { readonly epoch: number; readonly value: number }[];
  /** It has been running for, its start and end included. */
  readonly seconds: number;
}

/** What a few timed steps said of a model on this machine. Plain data, so that it can be stored. */
export interface MeasuredModel {
  readonly model: string;
  /** Whether trials of it can run here, in the time of the job. */
  readonly fits: boolean;
  /** Why not, as a sentence. */
  readonly why?: string;
  /** One pass over the training images and a validation, with `hyperparameters`. */
  readonly secondsPerEpoch: number;
  /** The same where every layer learns. */
  readonly secondsPerFullEpoch: number;
  /** What a trial takes besides its epochs: to load weights, to export and check the model. */
  readonly startSeconds: number;
  readonly peakMemoryBytes: number;
  /** Whether the weights that it starts from know images, or objects, already. */
  readonly pretrained: boolean;
  /** What its trials train with where neither job nor draw says otherwise: the documented defaults, fitted to the data. */
  readonly hyperparameters: Assignment;
}

/** All that decisions about the trials of a job rest on. */
export interface SearchState {
  readonly job: ImageJob;
  /** The models that the job can train here, small ones first: `runnableModels`. */
  readonly models: readonly string[];
  readonly trials: readonly TriedTrial[];
  /** Until the job's time is up. */
  readonly secondsLeft: number;
  /** What was measured of the models that `modelsToMeasure` named; empty where it named none. */
  readonly measured: readonly MeasuredModel[];
}

/** What a trial is to train with, over what the job fixes, and the reason, as a sentence. */
export interface ChosenTrial {
  readonly draw: Assignment;
  readonly because: string;
}
