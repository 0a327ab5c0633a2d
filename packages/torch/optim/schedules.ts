/** A learning-rate schedule: from a position in training to the factor on the base learning rate. */
export type Schedule = (position: number) => number;

/**
 * Multiplies the learning rate by `gamma` after every `stepSize` epochs: gamma^⌊epoch / stepSize⌋.
 * Position: the epoch, from 0.
 */
export const stepSchedule =
  ({ stepSize, gamma }: { stepSize: number; gamma: number }): Schedule =>
  (epoch) =>
    gamma ** Math.floor(epoch / stepSize);

export interface WarmupCosine {
  /** Optimiser steps of the linear rise from 0. */
  warmupSteps: number;
  /** Optimiser steps of the whole training. */
  totalSteps: number;
  /** Waves of the cosine after the rise; 0.5 ends at 0. */
  cycles: number;
}

/**
 * A linear rise to 1, then a cosine: max(0, ½ (1 + cos(2π · cycles · p))) with p from 0 to 1 over the steps that are left.
 * Position: the optimiser step, from 0.
 */
export const warmupCosineSchedule =
  ({ warmupSteps, totalSteps, cycles }: WarmupCosine): Schedule =>
  (step) => {
    if (step < warmupSteps) return step / Math.max(1, warmupSteps);
    const progress = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
    return Math.max(0, 0.5 * (1 + Math.cos(2 * Math.PI * cycles * progress)));
  };
