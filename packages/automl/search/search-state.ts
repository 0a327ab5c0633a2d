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

/** What a few timed steps said of a model on this machine. */
export interface MeasuredModel {
  readonly model: string;
  /** One pass over the training images, and a validation. */
  readonly secondsPerEpoch: number;
  /** What a trial takes besides its epochs: to load weights, to export and check the model. */
  readonly startSeconds: number;
  readonly peakMemoryBytes: number;
  /** Whether trials of it can run here. */
  readonly fits: boolean;
  /** Why not, or what is worth knowing. */
  readonly why?: string;
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
