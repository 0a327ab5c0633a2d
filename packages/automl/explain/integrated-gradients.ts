import { enableGrad, grad, keep, type Tensor, tensor, tidy, zeros } from '@fovea/torch';
import type { IntegrationNode } from './integration-nodes.ts';
import type { Steps } from './steps.ts';

/** `[N, C, H, W]` → logits `[N, classes]`, differentiable. */
export type Forward = (images: Tensor) => Tensor;

export interface IntegratedGradientsOptions {
  /** The classes whose logits are explained, each by itself. */
  targets: readonly number[];
  /** Where the path to the input begins: a value for every pixel. 0 when not given. */
  baseline?: number;
  nodes: readonly IntegrationNode[];
  /** How many points of the path go through the network together; all when not given. */
  batch?: number;
}

/**
 * What each value of the input adds to a logit on the way from the baseline: (x − b) · ∫ ∂F(b + α(x − b)) dα.
 * Sundararajan et al. 2017, https://arxiv.org/abs/1703.01365.
 *
 * @param input `[1, C, H, W]`
 * @returns `[targets, C, H, W]`, to be disposed by the caller
 */
export function* integratedGradients(
  forward: Forward,
  input: Tensor,
  { targets, baseline = 0, nodes, batch = nodes.length }: IntegratedGradientsOptions,
): Steps<Tensor> {
  const { dtype, device } = input;
  const [, ...shape] = input.shape;
  const sums = keep(zeros([targets.length, ...shape], { dtype, device }));
  try {
    // Pieces of one size: as many as the batches need, but no last one of a few images.
    const pieces = Math.ceil(nodes.length / batch);
    for (let piece = 0; piece < pieces; piece++) {
      const [start, end] = [piece, piece + 1].map((i) => Math.round((i * nodes.length) / pieces));
      addGradients(sums, forward, input, baseline, nodes.slice(start, end), targets);
      yield;
    }
    return tidy(() => keep(input.sub(baseline).mul(sums)));
  } finally {
    sums.dispose();
  }
}

/** Adds to each target's sum the weighted gradients at some nodes. */
function addGradients(
  sums: Tensor,
  forward: Forward,
  input: Tensor,
  baseline: number,
  nodes: readonly IntegrationNode[],
  targets: readonly number[],
): void {
  const { dtype, device } = input;
  tidy(() => {
    const count = nodes.length;
    const alphas = tensor(Float64Array.from(nodes, ({ alpha }) => alpha)).to({ dtype, device });
    // In single precision also where the rest is in double: captum's figures are made so.
    const weights = tensor(Float32Array.from(nodes, ({ weight }) => weight)).to({ dtype, device });
    const points = input
      .sub(baseline)
      .mul(alphas.reshape([count, 1, 1, 1]))
      .add(baseline)
      .detach();
    points.requiresGrad = true;
    const logits = enableGrad(() => forward(points));
    for (const [i, target] of targets.entries()) {
      const score = enableGrad(() => logits.select(1, target).sum());
      const [gradients] = grad(score, [points], { retainGraph: i < targets.length - 1 });
      if (!gradients) throw new Error('the logits do not depend on the image');
      const sum = weights.reshape([1, count]).matmul(gradients.reshape([count, -1]));
      sums.select(0, i).add_(sum.reshape(input.shape.slice(1)));
    }
  });
}
