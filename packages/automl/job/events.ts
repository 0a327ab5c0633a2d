/** What a running job tells whoever watches: the terminal now, a server later. */
export type RunEvent =
  | { type: 'log'; level: 'info' | 'warning' | 'error'; message: string }
  /** A stretch of work before or after training, e.g. reading data. `done` of `total` where it is known. */
  | {
      type: 'phase';
      name: 'data' | 'weights' | 'precision' | 'batch' | 'export';
      message: string;
      done?: number;
      total?: number;
    }
  | {
      type: 'trial';
      trial: string;
      /** From 0. */
      index: number;
      trials: number;
      model: string;
      /** What was drawn for it. */
      hyperparameters: Record<string, unknown>;
      /** Why it was chosen, where there is more to say than that it was. */
      because: string | null;
    }
  | {
      type: 'step';
      trial: string;
      /** From 1. */
      epoch: number;
      epochs: number;
      /** Optimiser steps done in this epoch, of `steps`. */
      step: number;
      steps: number;
      imagesPerSecond: number;
      loss: number;
      etaSeconds: number;
      metricName: string;
      best?: { value: number; epoch: number };
    }
  | {
      type: 'epoch';
      trial: string;
      epoch: number;
      epochs: number;
      metrics: Record<string, number>;
      improved: boolean;
    }
  /** How far a job that scores pictures is. */
  | { type: 'scored'; files: number; done: number; failed: number; imagesPerSecond: number; etaSeconds: number | null }
  /**
   * The exported ONNX graph gave the same answers as the engine, up to this difference: of the outputs of a classifier, or as a part of
   * the standard deviation of what the heads of a detector say.
   */
  | { type: 'verified'; trial: string; maxAbsDifference: number }
  | { type: 'verified'; trial: string; relativeDifference: number };

/** Whoever runs something reports through this. */
export type Report = (event: RunEvent) => void;
