import { cat, fullLike, hasOp, ops, type Tensor, zeros } from '@fovea/torch';
import { boxArea } from './boxes.ts';
import { plainRoiAlign } from './plain-roi-align.ts';

interface RoiOptions {
  /** Height and width of the result for each region. */
  size: readonly [height: number, width: number];
  /** Cells of the feature map per pixel of the boxes. */
  scale: number;
}

interface RoiAlignOptions extends RoiOptions {
  /** Points along each side of a bin; −1: as many as the bin has cells. */
  samplingRatio?: number;
  /** Half a pixel's shift, so that pixel centres are at .5. */
  aligned?: boolean;
}

/**
 * The features under each region, interpolated and averaged on a grid. He et al. 2017, https://arxiv.org/abs/1703.06870.
 *
 * @param features `[N, C, H, W]`
 * @param regions `[K, 5]`: index of the image, x1, y1, x2, y2
 * @returns `[K, C, height, width]`
 */
export function roiAlign(features: Tensor, regions: Tensor, options: RoiAlignOptions): Tensor {
  const { size, scale, samplingRatio = -1, aligned = false } = options;
  if (!hasOp('torchvision::roi_align'))
    return plainRoiAlign(features, regions, { size, scale, samplingRatio, aligned });
  return ops.roiAlign(features, regions, scale, size[0], size[1], samplingRatio, aligned);
}

/** The greatest feature in each bin of each region. Girshick 2015, https://arxiv.org/abs/1504.08083. Shapes as `roiAlign`. */
export function roiPool(features: Tensor, regions: Tensor, { size, scale }: RoiOptions): Tensor {
  return ops.roiPool(features, regions, scale, size[0], size[1])[0];
}

interface PyramidOptions extends Omit<RoiAlignOptions, 'scale'> {
  /** Cells per pixel of each level, the finest first; neighbours differ by a factor of 2. */
  scales: readonly number[];
  /** Side of a region, in pixels, that belongs to the canonical level. */
  canonicalScale?: number;
  canonicalLevel?: number;
}

/**
 * Which level of a feature pyramid a box is looked up in: int64 `[K]`, 0 is the finest.
 * Lin et al. 2016, https://arxiv.org/abs/1612.03144, eq. 1.
 */
export function pyramidLevels(
  boxes: Tensor,
  options: Pick<PyramidOptions, 'scales' | 'canonicalScale' | 'canonicalLevel'>,
): Tensor {
  const { scales, canonicalScale = 224, canonicalLevel = 4 } = options;
  const finest = -Math.log2(scales[0]);
  const coarsest = -Math.log2(scales[scales.length - 1]);
  const level = ops.log2(boxArea(boxes).sqrt().div(canonicalScale)).add(canonicalLevel);
  // A side that lies on a boundary belongs to the coarser level, however it was rounded.
  return level.add(1e-6).floor().clamp(finest, coarsest).sub(finest).to({ dtype: 'int64' });
}

/**
 * `roiAlign` on a feature pyramid, each region at the level that its size asks for.
 *
 * @param features one `[N, C, H, W]` for each scale
 * @param boxes for each image its boxes, `[K_i, 4]` in pixels
 * @returns `[ΣK_i, C, height, width]`, in the order of the boxes
 */
export function pyramidRoiAlign(
  features: readonly Tensor[],
  boxes: readonly Tensor[],
  options: PyramidOptions,
): Tensor {
  const all = cat(boxes);
  const images = cat(boxes.map((its, image) => fullLike(its.slice(1, 0, 1), image)));
  const regions = cat([images, all], 1);
  const levels = pyramidLevels(all, options);
  const { size } = options;
  const result = zeros([all.size(0), features[0].size(1), ...size], { dtype: features[0].dtype, device: all.device });
  for (const [level, feature] of features.entries()) {
    const here = ops.nonzero(levels.eq(level)).squeeze(1);
    const found = roiAlign(feature, regions.indexSelect(0, here), { ...options, scale: options.scales[level] });
    ops.indexPut_(result, [here], found.to({ dtype: result.dtype }));
  }
  return result;
}
