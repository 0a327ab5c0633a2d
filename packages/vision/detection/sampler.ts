import { ops, randperm, type Tensor, zeros } from '@fovea/torch';

export interface SamplerOptions {
  /** How many examples of each image count. */
  sizePerImage: number;
  /** At most this share of them is positive, in [0, 1]. */
  positiveFraction: number;
}

/** Indices into one image's examples, int64, ascending. */
export interface Sample {
  positive: Tensor;
  negative: Tensor;
}

/**
 * A random choice of examples with a bounded share of positive ones, as there are far more negative ones. Numbers come from
 * libtorch's default generator, in torchvision's order.
 *
 * @param labels `[N]`: above 0 positive, 0 negative, below 0 neither
 */
export function sampleBalanced(labels: Tensor, { sizePerImage, positiveFraction }: SamplerOptions): Sample {
  const positive = ops.nonzero(labels.ge(1)).squeeze(1);
  const negative = ops.nonzero(labels.eq(0)).squeeze(1);
  const positives = Math.min(positive.size(0), Math.floor(sizePerImage * positiveFraction));
  const negatives = Math.min(negative.size(0), sizePerImage - positives);
  return {
    positive: choose(positive, positives, labels.size(0)),
    negative: choose(negative, negatives, labels.size(0)),
  };
}

function choose(indices: Tensor, count: number, among: number): Tensor {
  const order = randperm(indices.size(0)).slice(0, 0, count).to({ device: indices.device });
  const isChosen = zeros([among], { dtype: 'bool', device: indices.device });
  ops.indexPut_(isChosen, [indices.indexSelect(0, order)], ops.onesLike(isChosen.slice(0, 0, 1)));
  return ops.nonzero(isChosen).squeeze(1);
}
