/** Parity of what Mask R-CNN has more than Faster R-CNN. */
import { maskArea } from '@fovea/data/masks';
import { arange, fromTypedArray, type Tensor, tensor as tensorOf } from '@fovea/torch';
import { type MaskRcnn, masksOnImage, pooledLevels } from '../detection/index.ts';
import { pasteMasks, type Size } from '../transforms/index.ts';
import * as check from './check.ts';

type Check = check.Check;

/** What the mask head says of boxes that do not depend on the proposals. */
export interface MaskHeadFigures
  extends Record<'mask_roi_features' | 'mask_logits' | 'mask_probs_of_label', check.RecordedTensor> {
  /** Of each box, image by image. */
  labels: number[][];
}

export function maskHead(
  { roi_heads: heads }: MaskRcnn,
  recorded: MaskHeadFigures,
  { proposals, features, sizes }: { proposals: Tensor[]; features: Tensor[]; sizes: Size[] },
  tolerance: number,
): Check[] {
  const regions = heads.poolMaskRegions(pooledLevels(features), proposals, sizes);
  const logits = heads.maskLogits(regions);
  const labels = tensorOf(recorded.labels.flat(), { dtype: 'int64' });
  const probabilities = logits
    .sigmoid()
    .index(arange(0, labels.size(0)), labels)
    .unsqueeze(1);
  return [
    check.tensor('mask head mask_roi_features', recorded.mask_roi_features, regions, tolerance),
    check.tensor('mask head mask_logits', recorded.mask_logits, logits, tolerance),
    check.tensor('mask head mask_probs_of_label', recorded.mask_probs_of_label, probabilities, tolerance),
  ];
}

/** Masks on whole images, summed up. */
export interface PastedFigures {
  boxes: number[][];
  /** `[K, 1, H, W]` */
  mask_shape?: number[];
  mask_sum?: number[];
  /** Pixels above a half. */
  mask_area_gt_half?: number[];
}

/** Rounding may move so large a share of an area's pixels over the threshold, and one in any case. */
const MOVED_PIXELS = 1e-3;

/**
 * Our masks in the recorded boxes: corners lose their fractions, so that a box which rounding moves over a whole number has another mask.
 *
 * @param rows which of our masks belongs to each of the first recorded boxes
 */
export function pastedMasks(
  label: string,
  { boxes, mask_shape: shape = [], mask_sum: sums = [], mask_area_gt_half: areas = [] }: PastedFigures,
  masks: Tensor,
  rows: readonly number[],
  { tolerance }: { tolerance: { loss_rel: number } },
): Check[] {
  const [count, , height, width] = shape;
  const own = masks.indexSelect(0, tensorOf([...rows], { dtype: 'int64' }));
  const side = own.size(-1);
  const ofMasks = tensorOf(boxes.slice(0, rows.length));
  const sumsOnImage = masksOnImage(own, ofMasks, { height, width }).flatten(1).sum(1);
  const ofRows = (figures: readonly number[]): number[] => figures.slice(0, rows.length);
  // As served masks are made, without their probabilities on the image.
  const cells = { masks: own.data() as Float32Array, boxes: ofMasks.data() as Float32Array, side };
  const foundAreas = pasteMasks(cells, { height, width }).map(maskArea);
  const moved = ofRows(areas).map((area, i) => Math.abs(area - foundAreas[i]) / (1 + MOVED_PIXELS * area));
  return [
    check.same(`${label}, how many`, [count], [masks.size(0)]),
    check.within(`${label}, sums`, check.relative(ofRows(sums), check.numbers(sumsOnImage)), tolerance.loss_rel),
    check.within(`${label}, areas`, Math.max(0, ...moved), 1),
  ];
}

/**
 * uint8 `[K, height, width]`: 1 in the ellipse that touches the sides of each box, judged at the centres of the pixels.
 *
 * @throws Error when the file says that its masks are something else
 */
export function ellipses(says: string, boxes: readonly (readonly number[])[], { height, width }: Size): Tensor {
  if (!says.startsWith('ellipse inscribed in each box')) throw new Error(`masks that are "${says}" are not known here`);
  const masks = new Uint8Array(boxes.length * height * width);
  for (const [i, [x1, y1, x2, y2]] of boxes.entries()) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const across = (x + 0.5 - (x1 + x2) / 2) / ((x2 - x1) / 2);
        const down = (y + 0.5 - (y1 + y2) / 2) / ((y2 - y1) / 2);
        if (across ** 2 + down ** 2 <= 1) masks[(i * height + y) * width + x] = 1;
      }
    }
  }
  return fromTypedArray(masks, [boxes.length, height, width]);
}
