import { cudaIsAvailable, native } from './engine.ts';
import { refuseAsync } from './memory.ts';
import { Tensor } from './tensor.ts';

/** Whether operators note what is needed for gradients. */
export const isGradEnabled = (): boolean => native.gradMode();

function withGradMode<T>(on: boolean, work: () => T): T {
  const before = native.gradMode();
  native.setGradMode(on);
  try {
    return refuseAsync('noGrad or enableGrad', work());
  } finally {
    native.setGradMode(before);
  }
}

/** Runs `work` without noting anything for gradients. */
export const noGrad = <T>(work: () => T): T => withGradMode(false, work);

/** Runs `work` with gradients, inside of a `noGrad`. */
export const enableGrad = <T>(work: () => T): T => withGradMode(true, work);

/**
 * d(outputs)/d(inputs), without touching any `grad`.
 * @param options.gradOutputs seeds; may be left out for outputs of one element
 * @param options.allowUnused gives null for an input that the outputs do not depend on, instead of an error
 */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: readonly Tensor[],
  options: {
    gradOutputs?: readonly (Tensor | null)[];
    retainGraph?: boolean;
    createGraph?: boolean;
    allowUnused?: boolean;
  } = {},
): (Tensor | null)[] {
  const { gradOutputs, createGraph = false, retainGraph = createGraph, allowUnused = false } = options;
  const roots = outputs instanceof Tensor ? [outputs] : outputs;
  const handles = native.gradients(
    roots.map((t) => t.handle),
    inputs.map((t) => t.handle),
    gradOutputs ? gradOutputs.map((t) => t?.handle ?? null) : null,
    retainGraph,
    createGraph,
    allowUnused,
    cudaIsAvailable(),
  );
  return handles.map((handle) => (handle === null ? null : new Tensor(handle)));
}
