import { noGrad, ops, type Tensor } from '@fovea/torch';
import type { YoloV5Version } from './network.ts';

const EPSILON = 1e-7;

/**
 * Complete IoU of boxes in pairs, `[n, 4]` each as centre and size → `[n]`. Zheng et al. 2019, https://arxiv.org/abs/1911.08287.
 * Unlike `completeBoxIou` it keeps boxes without area finite; where it adds how much to that end depends on the version.
 */
export function pairwiseCompleteIou(a: Tensor, b: Tensor, version: YoloV5Version): Tensor {
  const [first, second] = [edges(a, version), edges(b, version)];
  const overlap = (low: 'left' | 'top', high: 'right' | 'bottom'): Tensor =>
    ops.minimum(first[high], second[high]).sub(ops.maximum(first[low], second[low])).clamp(0);
  const hull = (low: 'left' | 'top', high: 'right' | 'bottom'): Tensor =>
    ops.maximum(first[high], second[high]).sub(ops.minimum(first[low], second[low]));
  const gap = (low: 'left' | 'top', high: 'right' | 'bottom'): Tensor =>
    second[low].add(second[high]).sub(first[low]).sub(first[high]).square();

  const intersection = overlap('left', 'right').mul(overlap('top', 'bottom'));
  const area = ({ width, height }: Edges): Tensor => width.mul(height);
  const union = area(first).add(area(second)).sub(intersection).add(EPSILON);
  const iou = intersection.div(union);
  const diagonal = hull('left', 'right').square().add(hull('top', 'bottom').square()).add(EPSILON);
  const distance = gap('left', 'right').add(gap('top', 'bottom')).div(4);
  const aspect = aspectAngle(second, version)
    .sub(aspectAngle(first, version))
    .square()
    .mul(4 / Math.PI ** 2);
  const weight = noGrad(() => aspect.div(aspect.sub(iou).add(1 + EPSILON)));
  return iou.sub(distance.div(diagonal).add(aspect.mul(weight)));
}

interface Edges {
  left: Tensor;
  top: Tensor;
  right: Tensor;
  bottom: Tensor;
  width: Tensor;
  height: Tensor;
}

function edges(boxes: Tensor, version: YoloV5Version): Edges {
  const [x, y, w, h] = [0, 1, 2, 3].map((column) => boxes.select(1, column));
  const [left, right] = [x.sub(w, 0.5), x.add(w, 0.5)];
  const [top, bottom] = [y.sub(h, 0.5), y.add(h, 0.5)];
  return version === '5.0'
    ? { left, top, right, bottom, width: right.sub(left), height: bottom.sub(top).add(EPSILON) }
    : { left, top, right, bottom, width: w, height: h };
}

const aspectAngle = ({ width, height }: Edges, version: YoloV5Version): Tensor =>
  ops.atan(width.div(version === '5.0' ? height : height.add(EPSILON)));
