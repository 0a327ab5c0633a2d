import { arange, cat, noGrad, ops, type Tensor, tidy, zeros } from '@fovea/torch';

interface Options {
  size: readonly [height: number, width: number];
  scale: number;
  samplingRatio: number;
  aligned: boolean;
}

/** So many numbers are looked up at once. */
const MOST_VALUES = 2 ** 24;

/** Cells below the sampling points along one side, with their weights: `[K, bins, points]` each. */
interface Axis {
  low: Tensor;
  high: Tensor;
  lowWeight: Tensor;
  highWeight: Tensor;
}

/** `roiAlign` made of tensor operators, for where torchvision's is not installed; the same numbers and gradients. */
export function plainRoiAlign(features: Tensor, regions: Tensor, options: Options): Tensor {
  return tidy(() => {
    const [, channels, height, width] = features.shape;
    const [rows, columns] = options.size;
    const count = regions.size(0);
    if (count === 0) return zeros([0, channels, rows, columns], { dtype: features.dtype, device: features.device });
    // A cell's channels side by side, so that looking it up copies one run of memory.
    const cells = features.permute([0, 2, 3, 1]).reshape([-1, channels]);
    const offset = options.aligned ? 0.5 : 0;
    const corners = regions.detach().slice(1, 1).mul(options.scale).sub(offset);
    const side = (from: number): Tensor => {
      const length = corners.select(1, from + 2).sub(corners.select(1, from));
      return options.aligned ? length : length.clamp(1);
    };
    const [sideX, sideY] = [side(0), side(1)];
    const points = (length: Tensor, bins: number): number =>
      options.samplingRatio > 0 ? options.samplingRatio : Math.max(1, length.div(bins).max().floor().item() + 1);
    const [pointsX, pointsY] = [points(sideX, columns), points(sideY, rows)];
    const perRegion = rows * pointsY * columns * pointsX * channels;
    const step = Math.max(1, Math.floor(MOST_VALUES / perRegion));
    const parts: Tensor[] = [];
    for (let start = 0; start < count; start += step) {
      const part = (values: Tensor): Tensor => values.slice(0, start, start + step);
      parts.push(
        tidy(() => {
          const axis = (from: number, length: Tensor, bins: number, most: number, size: number): Axis =>
            noGrad(() => samples(part(corners.select(1, from)), part(length), bins, most, size, options.samplingRatio));
          const x = axis(0, sideX, columns, pointsX, width);
          const y = axis(1, sideY, rows, pointsY, height);
          const image = part(regions.select(1, 0))
            .long()
            .mul(height * width)
            .reshape([-1, 1, 1, 1, 1]);
          return gatherAndAverage(cells, image, y, x, width);
        }),
      );
    }
    return cat(parts);
  });
}

/** @param start in cells `[K]` @param length in cells `[K]` @param most points in a bin of any region @param size of the side */
function samples(start: Tensor, length: Tensor, bins: number, most: number, size: number, samplingRatio: number): Axis {
  const perBin = length.div(bins);
  const given = samplingRatio > 0 ? ops.fullLike(length, samplingRatio) : ops.ceil(perBin);
  const grid = given.clamp(1).reshape([-1, 1, 1]);
  const column = (values: Tensor): Tensor => values.reshape([-1, 1, 1]);
  const index = (count: number): Tensor => arange(0, count, 1, { dtype: 'float32', device: start.device });
  const bin = index(bins).reshape([1, -1, 1]).mul(column(perBin));
  const point = index(most).reshape([1, 1, -1]);
  const position = column(start)
    .add(bin)
    .add(point.add(0.5).mul(column(perBin)).div(grid));
  const isInside = ops.logicalAnd(position.ge(-1), position.le(size));
  const counts = ops
    .logicalAnd(isInside, point.lt(column(given)))
    .float()
    .div(grid);
  const inside = position.clamp(0, size - 1);
  const low = inside.floor();
  const fraction = inside.sub(low);
  return {
    low: low.long(),
    high: low
      .add(1)
      .clamp(0, size - 1)
      .long(),
    lowWeight: fraction.neg().add(1).mul(counts),
    highWeight: fraction.mul(counts),
  };
}

/** Bilinear interpolation at all points and the mean of each bin: `[K, C, rows, columns]`. */
function gatherAndAverage(cells: Tensor, image: Tensor, y: Axis, x: Axis, width: number): Tensor {
  const [regions, rows, pointsY] = y.low.shape;
  const [, columns, pointsX] = x.low.shape;
  const down = (values: Tensor): Tensor => values.reshape([regions, rows, pointsY, 1, 1]);
  const across = (values: Tensor): Tensor => values.reshape([regions, 1, 1, columns, pointsX]);
  const corner = (row: Tensor, rowWeight: Tensor, column: Tensor, columnWeight: Tensor): Tensor =>
    tidy(() => {
      const places = down(row).mul(width).add(across(column)).add(image).flatten();
      const weights = down(rowWeight).mul(across(columnWeight)).reshape([-1, 1]);
      const values = cells.indexSelect(0, places).mul(weights.to({ dtype: cells.dtype }));
      return values.reshape([regions, rows, pointsY, columns, pointsX, -1]).sum([2, 4]);
    });
  const sum = corner(y.low, y.lowWeight, x.low, x.lowWeight)
    .add(corner(y.low, y.lowWeight, x.high, x.highWeight))
    .add(corner(y.high, y.highWeight, x.low, x.lowWeight))
    .add(corner(y.high, y.highWeight, x.high, x.highWeight));
  return sum.permute([0, 3, 1, 2]).contiguous();
}
