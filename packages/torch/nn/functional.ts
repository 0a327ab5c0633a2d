import * as ops from '../ops.generated.ts';
import type { Tensor } from '../tensor.ts';

export type Reduction = 'none' | 'mean' | 'sum';

/** libtorch's numbers for the ways to reduce a loss. */
const REDUCTION = { none: 0, mean: 1, sum: 2 } as const;

/** Losses add up many small terms, for which eight bits of mantissa are too few: under autocast they stay float32. */
const precise = (x: Tensor): Tensor => (x.dtype === 'bfloat16' || x.dtype === 'float16' ? x.float() : x);

interface CrossEntropyOptions {
  /** A weight for each class, `[C]`. The mean divides by the sum of the weights of the targets. */
  weight?: Tensor | null;
  /** Share of the target spread evenly over all classes, in [0, 1]. */
  labelSmoothing?: number;
  /** A class index that does not count. */
  ignoreIndex?: number;
  reduction?: Reduction;
}

/**
 * Negative log likelihood of the target under softmax of the logits.
 *
 * @param logits `[N, C]` or `[N, C, d1, …]`
 * @param target class indices int64 `[N]` (`[N, d1, …]`), or probabilities in the shape of the logits
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const { weight = null, labelSmoothing = 0, ignoreIndex = -100, reduction = 'mean' } = options;
  return ops.crossEntropyLoss(precise(logits), target, weight, REDUCTION[reduction], ignoreIndex, labelSmoothing);
}

interface BinaryCrossEntropyOptions {
  /** A weight for each element, broadcast to the shape of the logits. */
  weight?: Tensor | null;
  /** A factor for the positive term of each class, `[C]`. */
  posWeight?: Tensor | null;
  reduction?: Reduction;
}

/** Binary cross entropy of sigmoid(logits), in one numerically stable step. `target`: float in [0, 1], same shape. */
export function binaryCrossEntropyWithLogits(
  logits: Tensor,
  target: Tensor,
  options: BinaryCrossEntropyOptions = {},
): Tensor {
  const { weight = null, posWeight = null, reduction = 'mean' } = options;
  return ops.binaryCrossEntropyWithLogits(precise(logits), target, weight, posWeight, REDUCTION[reduction]);
}

/** Mean of (input − target)². */
export function mseLoss(input: Tensor, target: Tensor, { reduction = 'mean' as Reduction } = {}): Tensor {
  return ops.mseLoss(precise(input), target, REDUCTION[reduction]);
}

/** Mean of |input − target|. */
export function l1Loss(input: Tensor, target: Tensor, { reduction = 'mean' as Reduction } = {}): Tensor {
  return ops.l1Loss(precise(input), target, REDUCTION[reduction]);
}

/** Quadratic (d² / 2β) for |d| < β, linear (|d| − β/2) beyond; l1 when β is 0. Girshick 2015, Fast R-CNN. */
export function smoothL1Loss(
  input: Tensor,
  target: Tensor,
  { beta = 1, reduction = 'mean' as Reduction } = {},
): Tensor {
  if (beta === 0) return l1Loss(input, target, { reduction });
  return ops.smoothL1Loss(precise(input), target, REDUCTION[reduction], beta);
}
