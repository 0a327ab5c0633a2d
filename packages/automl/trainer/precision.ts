import { autocast, type MemoryFormat, type nn, type Tensor } from '@fovea/torch';
import { type Rehearsal, squaredOutputs, withTrialSteps } from './trial-steps.ts';

/** How a network is computed in training: the memory order of its images, and whether in mixed bfloat16. */
export interface Precision {
  dtype: 'float32' | 'bfloat16';
  memoryFormat: Exclude<MemoryFormat, 'preserve'>;
}

export const PLAIN: Precision = { dtype: 'float32', memoryFormat: 'contiguous' };

const CANDIDATES: readonly Precision[] = [
  { dtype: 'bfloat16', memoryFormat: 'channels_last' },
  { dtype: 'float32', memoryFormat: 'channels_last' },
  PLAIN,
];

/** A choice of arithmetic with what was measured for it, milliseconds per training step. */
export interface MeasuredPrecision {
  precision: Precision;
  milliseconds: { precision: Precision; value: number }[];
}

/** Runs the model in this precision; the outputs come back in float32. Used for training and for its measurement. */
export function forwardIn<T extends Tensor | Tensor[]>(precision: Precision, device: string, forward: () => T): T {
  if (precision.dtype === 'float32') return forward();
  const output: Tensor | Tensor[] = autocast({ device, dtype: precision.dtype }, forward);
  return (Array.isArray(output) ? output.map((tensor) => tensor.float()) : output.float()) as T;
}

/**
 * Times a few training steps on random images in each precision and gives the fastest. Which one that is depends on the processor
 * (bfloat16 without hardware for it is slow), on libtorch and on the model, so it is measured rather than looked up.
 * The model is left as it was: parameters, statistics and gradients.
 */
export function measurePrecision(
  model: nn.Module,
  { size, device, ...rest }: { size: number; images?: number; device: string; steps?: number },
): MeasuredPrecision {
  return measuredOn(model, squaredOutputs(model, { size, device }), rest);
}

/** The same for any network, by the loss of images like those that it will be trained on. */
export function measuredOn(
  model: nn.AnyModule,
  rehearse: Rehearsal,
  { images = 2, steps = 2 }: { images?: number; steps?: number } = {},
): MeasuredPrecision {
  return withTrialSteps(model, rehearse, (step) => {
    const milliseconds = CANDIDATES.map((precision) => ({ precision, value: Infinity }));
    // In turns: what else the machine does for a moment then slows all of them.
    for (let round = 0; round <= steps; round++) {
      for (const candidate of milliseconds) {
        const start = performance.now();
        step(images, candidate.precision);
        // The first round prepares kernels.
        if (round > 0) candidate.value = Math.min(candidate.value, performance.now() - start);
      }
    }
    const fastest = milliseconds.reduce((a, b) => (b.value < a.value ? b : a));
    return { precision: fastest.precision, milliseconds };
  });
}

/** In words: `bf16, channels_last (41 ms a step; fp32 contiguous 97 ms)`. */
export function describeMeasurement({ precision, milliseconds }: MeasuredPrecision): string {
  const name = ({ dtype, memoryFormat }: Precision) => `${dtype === 'bfloat16' ? 'bf16' : 'fp32'} ${memoryFormat}`;
  const chosen = milliseconds.find((entry) => name(entry.precision) === name(precision));
  const others = milliseconds
    .filter((entry) => entry !== chosen)
    .map((entry) => `${name(entry.precision)} ${entry.value.toFixed(0)} ms`);
  return `${name(precision)} (${chosen?.value.toFixed(0)} ms a step of a few images; ${others.join(', ')})`;
}
