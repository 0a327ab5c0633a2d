import { type Tensor, tensor } from '@fovea/torch';
import type { Normalisation } from './normalise.ts';

/**
 * A loaded batch to what a network takes in training: `(x / 255 − mean) / std`. Done on the tensor's device, so that a quarter of the
 * bytes travel to a GPU.
 *
 * @param pixels uint8 RGB, [N, H, W, 3]
 * @returns float32 [N, 3, H, W] in channels_last order, which is the order that the pixels already have
 */
export function normaliseBatch(pixels: Tensor, { mean, std }: Normalisation): Tensor {
  const channel = (values: readonly number[]) =>
    tensor(
      values.map((value) => value * 255),
      { dtype: 'float32', device: pixels.device },
    ).view([1, 3, 1, 1]);
  return pixels.permute([0, 3, 1, 2]).to({ dtype: 'float32' }).sub_(channel(mean)).div_(channel(std));
}
