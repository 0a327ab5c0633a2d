import { cat, noGrad, ops, type Tensor } from '@fovea/torch';

/**
 * Position embeddings for another grid of patches: bicubic with antialiasing, as timm's `resample_abs_pos_embed`.
 *
 * @param positions `[1, 1 + h · h, width]`: the class token's embedding, then those of a square grid row by row
 * @param side patches along each side of the new grid
 * @returns `[1, 1 + side · side, width]` float32
 */
export function resamplePositions(positions: Tensor, side: number): Tensor {
  return noGrad(() => {
    const [, tokens, width] = positions.shape;
    const oldSide = Math.sqrt(tokens - 1);
    const exact = positions.float();
    const grid = exact
      .narrow(1, 1, tokens - 1)
      .reshape([1, oldSide, oldSide, width])
      .permute([0, 3, 1, 2]);
    const resampled = ops._upsampleBicubic2dAa(grid.contiguous(), [side, side], false);
    return cat([exact.narrow(1, 0, 1), resampled.permute([0, 2, 3, 1]).reshape([1, side * side, width])], 1);
  });
}
