/** Boxes of fixed shapes on a grid, from which a detector starts. Ren et al. 2015, https://arxiv.org/abs/1506.01497, section 3.1.1. */
import { arange, cat, type Device, ops, stack, type Tensor, tensor, tidy } from '@fovea/torch';
import type { Size } from '../transforms/index.ts';

export interface AnchorShapes {
  /** For each level of the pyramid, the finest first, sides in pixels of squares with the anchors' areas. */
  sizes: readonly (readonly number[])[];
  /** Height by width, for each size of each level. */
  aspectRatios: readonly number[];
}

export const anchorsPerCell = ({ sizes, aspectRatios }: AnchorShapes): number => sizes[0].length * aspectRatios.length;

/** The anchors of a level around the origin, rounded to whole pixels: `[ratios · sizes, 4]`, each ratio with all sizes. */
export function cellAnchors(sizes: readonly number[], aspectRatios: readonly number[]): Tensor {
  return tidy(() => {
    const heightRatio = tensor([...aspectRatios]).sqrt();
    const scaled = (ratio: Tensor): Tensor =>
      ratio
        .unsqueeze(1)
        .mul(tensor([...sizes]))
        .flatten();
    const [widths, heights] = [scaled(ops.reciprocal(heightRatio)), scaled(heightRatio)];
    return stack([widths.neg(), heights.neg(), widths, heights], 1).div(2).round();
  });
}

/**
 * All anchors of a batch's images, `[A, 4]` in pixels: level by level, within a level row by row, and all of a cell together.
 *
 * @param image size of the padded images
 * @param grids size of each level in cells
 * @throws RangeError when the levels are not as many as those that have shapes
 */
export function anchorsOf(shapes: AnchorShapes, image: Size, grids: readonly Size[], device: Device = 'cpu'): Tensor {
  if (grids.length !== shapes.sizes.length)
    throw new RangeError(`anchors have sizes for ${shapes.sizes.length} levels, and there are ${grids.length}`);
  return tidy(() =>
    cat(
      grids.map(({ height, width }, level) => {
        const rows = arange(0, height, 1, { dtype: 'float32' }).mul(Math.floor(image.height / height));
        const columns = arange(0, width, 1, { dtype: 'float32' }).mul(Math.floor(image.width / width));
        const y = rows.unsqueeze(1).expand([height, width]).flatten();
        const x = columns.unsqueeze(0).expand([height, width]).flatten();
        const shifts = stack([x, y, x, y], 1).unsqueeze(1);
        return shifts.add(cellAnchors(shapes.sizes[level], shapes.aspectRatios).unsqueeze(0)).reshape([-1, 4]);
      }),
    ).to({ device }),
  );
}

/** Size of a feature map `[N, C, H, W]`, in cells. */
export const gridOf = (features: Tensor): Size => ({ height: features.size(2), width: features.size(3) });
