/** Geometry of boxes. Unless said otherwise a box is [x1, y1, x2, y2] in pixels, and boxes are a tensor `[N, 4]`. */
import { noGrad, ops, stack, type Tensor } from '@fovea/torch';

/** Corners; left top corner and size; centre and size. */
export type BoxFormat = 'xyxy' | 'xywh' | 'cxcywh';

/** Keeps quotients finite for boxes without area. */
const EPSILON = 1e-7;

/** The four coordinates, each `[N]`. */
const columns = (boxes: Tensor): [Tensor, Tensor, Tensor, Tensor] => [
  boxes.select(-1, 0),
  boxes.select(-1, 1),
  boxes.select(-1, 2),
  boxes.select(-1, 3),
];

/** Width times height, `[N]`. */
export function boxArea(boxes: Tensor): Tensor {
  const [x1, y1, x2, y2] = columns(boxes);
  return x2.sub(x1).mul(y2.sub(y1));
}

/** Left top and right bottom corners, `[N, M, 2]` each, of each pair's intersection or of the box around both. */
function cornersOfPairs(a: Tensor, b: Tensor, of: 'intersection' | 'hull'): [Tensor, Tensor] {
  const [inner, outer] = of === 'intersection' ? [ops.maximum, ops.minimum] : [ops.minimum, ops.maximum];
  const [first, second] = [a.unsqueeze(1), b.unsqueeze(0)];
  return [inner(first.slice(-1, 0, 2), second.slice(-1, 0, 2)), outer(first.slice(-1, 2, 4), second.slice(-1, 2, 4))];
}

/** Width and height of each pair's intersection or of the box around both, `[N, M, 2]`; 0 where there is none. */
function sizesOfPairs(a: Tensor, b: Tensor, of: 'intersection' | 'hull'): Tensor {
  const [topLeft, bottomRight] = cornersOfPairs(a, b, of);
  return bottomRight.sub(topLeft).clamp(0);
}

function intersectionAndUnion(a: Tensor, b: Tensor): [Tensor, Tensor] {
  const sizes = sizesOfPairs(a, b, 'intersection');
  const intersection = sizes.select(-1, 0).mul(sizes.select(-1, 1));
  return [intersection, boxArea(a).unsqueeze(1).add(boxArea(b)).sub(intersection)];
}

/** Intersection over union of each pair: `[N, 4]`, `[M, 4]` → `[N, M]` in [0, 1]. */
export function boxIou(a: Tensor, b: Tensor): Tensor {
  const [intersection, union] = intersectionAndUnion(a, b);
  return intersection.div(union);
}

/** IoU less the share of the box around both that neither covers, in [−1, 1]. https://arxiv.org/abs/1902.09630. */
export function generalizedBoxIou(a: Tensor, b: Tensor): Tensor {
  const [intersection, union] = intersectionAndUnion(a, b);
  const sizes = sizesOfPairs(a, b, 'hull');
  const hull = sizes.select(-1, 0).mul(sizes.select(-1, 1));
  return intersection.div(union).sub(hull.sub(union).div(hull));
}

/** IoU less the squared distance of the centres over that of the hull's corners. https://arxiv.org/abs/1911.08287. */
export function distanceBoxIou(a: Tensor, b: Tensor): Tensor {
  const diagonal = sizesOfPairs(a, b, 'hull').square().sum(-1).add(EPSILON);
  const centres = (boxes: Tensor): Tensor =>
    boxes
      .slice(-1, 0, 2)
      .add(boxes.slice(-1, 2, 4))
      .div(2);
  const distance = centres(a).unsqueeze(1).sub(centres(b).unsqueeze(0)).square().sum(-1);
  return boxIou(a, b).sub(distance.div(diagonal));
}

/** `distanceBoxIou` less a term for the difference of aspect ratios. https://arxiv.org/abs/1911.08287, section 3.3. */
export function completeBoxIou(a: Tensor, b: Tensor): Tensor {
  const angle = (boxes: Tensor): Tensor => {
    const [x1, y1, x2, y2] = columns(boxes);
    return ops.atan(x2.sub(x1).div(y2.sub(y1)));
  };
  const difference = angle(a)
    .unsqueeze(1)
    .sub(angle(b).unsqueeze(0))
    .square()
    .mul(4 / Math.PI ** 2);
  const weight = noGrad(() => difference.div(difference.sub(boxIou(a, b)).add(1 + EPSILON)));
  return distanceBoxIou(a, b).sub(weight.mul(difference));
}

/** The same boxes in another format. */
export function convertBoxes(boxes: Tensor, from: BoxFormat, to: BoxFormat): Tensor {
  const corners = toCorners[from](...columns(boxes));
  return stack(fromCorners[to](...corners), -1);
}

type Columns = [Tensor, Tensor, Tensor, Tensor];

const toCorners: Record<BoxFormat, (...box: Columns) => Columns> = {
  xyxy: (...corners) => corners,
  xywh: (x, y, w, h) => [x, y, x.add(w), y.add(h)],
  cxcywh: (cx, cy, w, h) => [cx.sub(w, 0.5), cy.sub(h, 0.5), cx.add(w, 0.5), cy.add(h, 0.5)],
};

const fromCorners: Record<BoxFormat, (...corners: Columns) => Columns> = {
  xyxy: (...corners) => corners,
  xywh: (x1, y1, x2, y2) => [x1, y1, x2.sub(x1), y2.sub(y1)],
  cxcywh: (x1, y1, x2, y2) => [x1.add(x2).div(2), y1.add(y2).div(2), x2.sub(x1), y2.sub(y1)],
};

/** Moves what lies outside of the image onto its border. */
export function clipBoxes(boxes: Tensor, { height, width }: { height: number; width: number }): Tensor {
  const [x1, y1, x2, y2] = columns(boxes);
  return stack([x1.clamp(0, width), y1.clamp(0, height), x2.clamp(0, width), y2.clamp(0, height)], -1);
}

/** Indices of the boxes whose width and height are both at least `minSize`, int64. */
export function largeBoxes(boxes: Tensor, minSize: number): Tensor {
  const [x1, y1, x2, y2] = columns(boxes);
  const isLarge = ops.logicalAnd(x2.sub(x1).ge(minSize), y2.sub(y1).ge(minSize));
  return ops.nonzero(isLarge).squeeze(1);
}
