import { hasOp, ops, type Tensor, zeros } from '@fovea/torch';
import { plainDeformableConvolution } from './plain-deformable-convolution.ts';

interface DeformableConvolution {
  /** `[out, in / groups, kH, kW]` */
  weight: Tensor;
  /** `[out]` */
  bias?: Tensor | null;
  /** Where each tap looks, in pixels from its place: `[N, 2 · offsetGroups · kH · kW, H', W']`, y before x. */
  offset: Tensor;
  /** A factor for each tap, `[N, offsetGroups · kH · kW, H', W']`: version 2. */
  mask?: Tensor | null;
  stride?: readonly [number, number];
  padding?: readonly [number, number];
  dilation?: readonly [number, number];
}

/**
 * A convolution whose taps look at learned places. Dai et al. 2017, https://arxiv.org/abs/1703.06211; with a mask
 * Zhu et al. 2018, https://arxiv.org/abs/1811.11168. `[N, in, H, W]` → `[N, out, H', W']`. The number of groups follows
 * from the shapes.
 */
export function deformableConvolution(input: Tensor, options: DeformableConvolution): Tensor {
  const { weight, offset, mask = null, stride = [1, 1], padding = [0, 0], dilation = [1, 1] } = options;
  if (!hasOp('torchvision::deform_conv2d')) {
    const { bias = null } = options;
    return plainDeformableConvolution(input, { weight, bias, offset, mask, stride, padding, dilation });
  }
  const [outChannels, groupChannels, height, width] = weight.shape;
  const bias = options.bias ?? zeros([outChannels], { dtype: input.dtype, device: input.device });
  return ops.deformConv2d(
    input,
    weight,
    offset,
    mask ?? zeros([input.size(0), 1], { dtype: input.dtype, device: input.device }),
    bias,
    stride[0],
    stride[1],
    padding[0],
    padding[1],
    dilation[0],
    dilation[1],
    input.size(1) / groupChannels,
    offset.size(1) / (2 * height * width),
    mask !== null,
  );
}
