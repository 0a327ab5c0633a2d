import { arange, type Tensor, tidy } from '@fovea/torch';

interface Options {
  weight: Tensor;
  bias: Tensor | null;
  offset: Tensor;
  mask: Tensor | null;
  stride: readonly [number, number];
  padding: readonly [number, number];
  dilation: readonly [number, number];
}

/** The two cells around each tap along one side, with their weights; a cell outside of the image has none. */
interface Axis {
  cells: [low: Tensor, high: Tensor];
  weights: [low: Tensor, high: Tensor];
}

/** `deformableConvolution` made of tensor operators, for where torchvision's is not installed; the same numbers and gradients. */
export function plainDeformableConvolution(input: Tensor, options: Options): Tensor {
  return tidy(() => {
    const { weight, bias, offset, mask, stride, padding, dilation } = options;
    const [images, channels, height, width] = input.shape;
    const [outChannels, groupChannels, rows, columns] = weight.shape;
    const [, offsets, outHeight, outWidth] = offset.shape;
    const taps = rows * columns;
    const offsetGroups = offsets / (2 * taps);
    const places = outHeight * outWidth;

    const ofTaps = offset.reshape([images, offsetGroups, rows, columns, 2, outHeight, outWidth]);
    const spaced = (count: number, step: number, shape: number[]): Tensor =>
      arange(0, count, 1, { dtype: input.dtype, device: input.device }).mul(step).reshape(shape);
    const y = spaced(outHeight, stride[0], [-1, 1])
      .add(spaced(rows, dilation[0], [-1, 1, 1, 1]))
      .sub(padding[0]);
    const x = spaced(outWidth, stride[1], [1, -1])
      .add(spaced(columns, dilation[1], [1, -1, 1, 1]))
      .sub(padding[1]);
    const vertical = axis(ofTaps.select(4, 0).add(y), height);
    const horizontal = axis(ofTaps.select(4, 1).add(x), width);

    const perGroup = channels / offsetGroups;
    const pixels = input.reshape([images, offsetGroups, perGroup, height * width]);
    const flat = (values: Tensor): Tensor => values.reshape([images, offsetGroups, 1, taps * places]);
    const corner = (row: 0 | 1, column: 0 | 1): Tensor => {
      const index = flat(vertical.cells[row].mul(width).add(horizontal.cells[column]));
      const found = pixels.gather(3, index.expand([images, offsetGroups, perGroup, taps * places]));
      return found.mul(flat(vertical.weights[row].mul(horizontal.weights[column])));
    };
    let sampled = corner(0, 0).add(corner(0, 1)).add(corner(1, 0)).add(corner(1, 1));
    if (mask) sampled = sampled.mul(flat(mask));

    const groups = channels / groupChannels;
    const patches = sampled.reshape([images, groups, groupChannels * taps, places]);
    const kernels = weight.reshape([groups, outChannels / groups, groupChannels * taps]);
    const result = kernels.matmul(patches).reshape([images, outChannels, outHeight, outWidth]);
    return bias ? result.add(bias.reshape([1, -1, 1, 1])) : result;
  });
}

function axis(position: Tensor, size: number): Axis {
  const low = position.detach().floor();
  const fraction = position.sub(low);
  const high = low.add(1);
  const isInside = (cell: Tensor): Tensor =>
    cell.ge(0).float().mul(cell.lt(size).float()).to({ dtype: position.dtype });
  const cell = (place: Tensor): Tensor => place.clamp(0, size - 1).long();
  return {
    cells: [cell(low), cell(high)],
    weights: [fraction.neg().add(1).mul(isInside(low)), fraction.mul(isInside(high))],
  };
}
