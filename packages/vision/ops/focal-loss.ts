import { nn, type Tensor } from '@fovea/torch';

interface FocalLoss {
  /** Weight of positives; that of negatives is 1 − alpha. null: all weigh the same. */
  alpha?: number | null;
  /** How strongly easy examples are played down. */
  gamma?: number;
}

/**
 * Binary cross entropy of each element that counts less the better the element is classified already.
 * Lin et al. 2017, https://arxiv.org/abs/1708.02002, eq. 5. `targets`: 0 or 1, float, in the shape of the logits.
 */
export function sigmoidFocalLoss(logits: Tensor, targets: Tensor, { alpha = 0.25, gamma = 2 }: FocalLoss = {}): Tensor {
  const inverse = (x: Tensor): Tensor => x.neg().add(1);
  const probability = logits.sigmoid();
  const certainty = probability.mul(targets).add(inverse(probability).mul(inverse(targets)));
  const loss = nn.functional
    .binaryCrossEntropyWithLogits(logits, targets, { reduction: 'none' })
    .mul(inverse(certainty).pow(gamma));
  if (alpha === null) return loss;
  return targets
    .mul(alpha)
    .add(inverse(targets).mul(1 - alpha))
    .mul(loss);
}
