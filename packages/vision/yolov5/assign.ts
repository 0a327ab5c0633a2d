/** Which anchors of which cells answer for which box. */
import { arange, cat, ops, stack, type Tensor, tensor } from '@fovea/torch';

/** The n pairs of an anchor in a cell and a box on one level, the same box up to three times for each anchor that fits it. */
export interface Assignment {
  /** Where the anchors stand in raw outputs `[N, anchors, H, W, …]`, int64 `[n]` each. */
  image: Tensor;
  anchor: Tensor;
  row: Tensor;
  column: Tensor;
  /** int64 `[n]` */
  classes: Tensor;
  /** In units of cells, `[n, 4]`: centre from the cell's corner, −0.5 … 1.5; width, height. */
  boxes: Tensor;
  /** Width and height of the anchors in units of cells, `[n, 2]`. */
  anchorSizes: Tensor;
}

/** How much closer than the middle of a cell a centre lies to the neighbour that answers for it too. */
const NEIGHBOUR = 0.5;

/**
 * Gives every box to the anchors whose width and height differ from its own by less than `anchorThreshold` times, in the cell of
 * its centre and the nearest neighbours beside and above or below, as far as these lie in the image.
 *
 * @param targets `[T, 6]` float32: image, class, centre x, y, width, height; the latter four normalised to 0 … 1
 * @param anchors in units of cells, `[levels, anchors, 2]`
 * @param sizes height and width in cells, for each level
 */
export function assignTargets(
  targets: Tensor,
  anchors: Tensor,
  sizes: readonly { height: number; width: number }[],
  anchorThreshold: number,
): Assignment[] {
  const { device } = targets;
  const [count, perCell] = [targets.size(0), anchors.size(1)];
  const anchor = arange(0, perCell, 1, { dtype: 'float32', device }).view([perCell, 1, 1]).expand([perCell, count, 1]);
  const candidates = cat([targets.unsqueeze(0).expand([perCell, count, 6]), anchor], 2);
  const offsets = tensor(
    [
      [0, 0],
      [1, 0],
      [0, 1],
      [-1, 0],
      [0, -1],
    ],
    { dtype: 'float32', device },
  ).mul(NEIGHBOUR);

  return sizes.map(({ height, width }, level) => {
    const gain = tensor([1, 1, width, height, width, height, 1], { dtype: 'float32', device });
    const scaled = candidates.mul(gain);
    const ratio = scaled.slice(2, 4, 6).div(anchors.select(0, level).unsqueeze(1));
    const fits = ops.amax(ops.maximum(ratio, ops.reciprocal(ratio)), 2).lt(anchorThreshold);
    const fitting = scaled.index(fits);

    const centre = fitting.slice(1, 2, 4);
    const fromFarEdge = tensor([width, height], { dtype: 'float32', device }).sub(centre);
    const isNear = (distance: Tensor): Tensor[] => {
      const near = ops.logicalAnd(distance.sub(distance.floor()).lt(NEIGHBOUR), distance.gt(1));
      return [near.select(1, 0), near.select(1, 1)];
    };
    const own = ops.onesLike(fitting.select(1, 0)).to({ dtype: 'bool' });
    const answers = stack([own, ...isNear(centre), ...isNear(fromFarEdge)]);
    const chosen = fitting.unsqueeze(0).expand([5, -1, 7]).index(answers);
    const offset = offsets
      .unsqueeze(1)
      .expand([5, fitting.size(0), 2])
      .index(answers);

    const point = chosen.slice(1, 2, 4);
    const cell = point.sub(offset).long();
    // A centre on the far edge of the image belongs to the last cell.
    const column = cell.select(1, 0).clamp(0, width - 1);
    const row = cell.select(1, 1).clamp(0, height - 1);
    const corner = stack([column, row], 1).float();
    const anchorIndex = chosen.select(1, 6).long();
    return {
      image: chosen.select(1, 0).long(),
      anchor: anchorIndex,
      row,
      column,
      classes: chosen.select(1, 1).long(),
      boxes: cat([point.sub(corner), chosen.slice(1, 4, 6)], 1),
      anchorSizes: anchors.select(0, level).index(anchorIndex),
    };
  });
}
