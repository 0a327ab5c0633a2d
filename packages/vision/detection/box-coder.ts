/** Boxes as shifts and stretches of other boxes. Girshick et al. 2013, https://arxiv.org/abs/1311.2524, appendix C. */
import { ops, stack, type Tensor } from '@fovea/torch';

/** Factors of the shifts in x and y and of the stretches in width and height, which bring them to a like spread. */
export type BoxWeights = readonly [x: number, y: number, width: number, height: number];

/** A stretch beyond this (log of the factor) is cut: it would overflow, and no image is so large. */
export const LARGEST_STRETCH = Math.log(1000 / 16);

interface CentredBoxes {
  x: Tensor;
  y: Tensor;
  width: Tensor;
  height: Tensor;
}

function centred(boxes: Tensor): CentredBoxes {
  const width = boxes.select(-1, 2).sub(boxes.select(-1, 0));
  const height = boxes.select(-1, 3).sub(boxes.select(-1, 1));
  return { x: boxes.select(-1, 0).add(width, 0.5), y: boxes.select(-1, 1).add(height, 0.5), width, height };
}

/**
 * What turns each reference into its box: `[…, 4]` and `[…, 4]` (corners, pixels) → `[…, 4]`. A reference without area gives no
 * finite numbers.
 */
export function encodeBoxes(boxes: Tensor, references: Tensor, weights: BoxWeights): Tensor {
  const [to, from] = [centred(boxes), centred(references)];
  const codes = [
    to.x.sub(from.x).mul(weights[0]).div(from.width),
    to.y.sub(from.y).mul(weights[1]).div(from.height),
    to.width.div(from.width).log().mul(weights[2]),
    to.height.div(from.height).log().mul(weights[3]),
  ];
  return stack(codes, -1);
}

/**
 * The boxes that codes make of their references; inverse of `encodeBoxes` but for stretches that are cut.
 *
 * @param codes `[…, 4]`
 * @param references `[…, 4]`, broadcast to the codes
 * @returns corners in the shape of the codes
 */
export function decodeBoxes(codes: Tensor, references: Tensor, weights: BoxWeights): Tensor {
  const from = centred(references);
  const code = (index: number): Tensor => codes.select(-1, index).div(weights[index]);
  const x = code(0).mul(from.width).add(from.x);
  const y = code(1).mul(from.height).add(from.y);
  const halfWidth = ops.exp(code(2).clamp(null, LARGEST_STRETCH)).mul(from.width).mul(0.5);
  const halfHeight = ops.exp(code(3).clamp(null, LARGEST_STRETCH)).mul(from.height).mul(0.5);
  return stack([x.sub(halfWidth), y.sub(halfHeight), x.add(halfWidth), y.add(halfHeight)], -1);
}
