import { noGrad } from '../autograd.ts';
import { stack } from '../create.ts';
import { tidy } from '../memory.ts';
import * as ops from '../ops.generated.ts';
import type { Parameter, Tensor } from '../tensor.ts';

/**
 * Scales all gradients by one factor so that their common L2 norm is at most `maxNorm`. Pascanu et al. 2013,
 * https://arxiv.org/abs/1211.5063.
 *
 * @returns the norm before; not finite when a gradient is not, and then nothing is scaled
 */
export function clipGradientNorm(parameters: Iterable<Parameter>, maxNorm: number): number {
  return tidy(() =>
    noGrad(() => {
      const gradients: Tensor[] = [];
      for (const parameter of parameters) {
        const { grad } = parameter;
        if (grad) gradients.push(grad);
      }
      if (gradients.length === 0) return 0;
      const norm = ops.linalgVectorNorm(stack(gradients.map((gradient) => ops.linalgVectorNorm(gradient)))).item();
      // The small number is PyTorch's: it keeps the quotient finite for a norm of 0.
      const factor = maxNorm / (norm + 1e-6);
      if (Number.isFinite(norm) && factor < 1) ops._foreachMulScalar_(gradients, factor);
      return norm;
    }),
  );
}
