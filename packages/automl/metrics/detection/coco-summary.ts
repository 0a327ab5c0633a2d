import type { CocoCurves } from './coco-curves.ts';
import { AREA_RANGES, IOU_THRESHOLDS, RECALL_THRESHOLDS } from './coco-thresholds.ts';

/** The twelve numbers of COCO; null where there is nothing to be found. */
export interface CocoSummary {
  /** Mean over IoU thresholds 0.50 … 0.95, categories and recalls, as all of `AP`; `AP50` and `AP75` are those of one threshold. */
  AP: number | null;
  AP50: number | null;
  AP75: number | null;
  AP_small: number | null;
  AP_medium: number | null;
  AP_large: number | null;
  /** Mean recall over IoU thresholds and categories, with 1, 10 and 100 detections of an image and category. */
  AR_1: number | null;
  AR_10: number | null;
  AR_100: number | null;
  AR_small: number | null;
  AR_medium: number | null;
  AR_large: number | null;
}

/** Of one category, with the largest number of detections and objects of all sizes. */
export interface CategorySummary {
  AP: number | null;
  AP50: number | null;
  AP75: number | null;
  AR: number | null;
}

export type AreaName = (typeof AREA_RANGES)[number]['name'];

interface Part {
  /** One IoU threshold; all of them unless said. */
  threshold?: number;
  category?: number;
  area?: AreaName;
  /** Place in `maxDetections`; the last unless said. */
  maxDetections?: number;
}

/**
 * The numbers that COCO's leaderboard shows (pycocotools' summarize).
 * @throws RangeError unless evaluated with three numbers of detections
 */
export function summarizeCoco(curves: CocoCurves): CocoSummary {
  if (curves.maxDetections.length !== 3) {
    throw new RangeError(`the summary needs three numbers of detections; there are ${curves.maxDetections.length}`);
  }
  return {
    AP: meanPrecision(curves),
    AP50: meanPrecision(curves, { threshold: 0.5 }),
    AP75: meanPrecision(curves, { threshold: 0.75 }),
    AP_small: meanPrecision(curves, { area: 'small' }),
    AP_medium: meanPrecision(curves, { area: 'medium' }),
    AP_large: meanPrecision(curves, { area: 'large' }),
    AR_1: meanRecall(curves, { maxDetections: 0 }),
    AR_10: meanRecall(curves, { maxDetections: 1 }),
    AR_100: meanRecall(curves),
    AR_small: meanRecall(curves, { area: 'small' }),
    AR_medium: meanRecall(curves, { area: 'medium' }),
    AR_large: meanRecall(curves, { area: 'large' }),
  };
}

export function summarizeCategory(curves: CocoCurves, category: number): CategorySummary {
  return {
    AP: meanPrecision(curves, { category }),
    AP50: meanPrecision(curves, { category, threshold: 0.5 }),
    AP75: meanPrecision(curves, { category, threshold: 0.75 }),
    AR: meanRecall(curves, { category }),
  };
}

/** Mean precision over the recalls of a part of the evaluation; null where nothing of it is to be found. */
export const meanPrecision = (curves: CocoCurves, part: Part = {}): number | null =>
  meanOfPart(curves, curves.precision, RECALL_THRESHOLDS.length, part);

/** Mean recall of a part of the evaluation, likewise. */
export const meanRecall = (curves: CocoCurves, part: Part = {}): number | null =>
  meanOfPart(curves, curves.recall, 1, part);

function meanOfPart(
  { categories, maxDetections }: CocoCurves,
  values: Float64Array,
  recalls: number,
  { threshold, category, area = 'all', maxDetections: most = maxDetections.length - 1 }: Part,
): number | null {
  const wanted = threshold === undefined ? null : thresholdIndex(threshold);
  const range = AREA_RANGES.findIndex(({ name }) => name === area);
  let sum = 0;
  let count = 0;
  for (let t = wanted ?? 0; t < (wanted === null ? IOU_THRESHOLDS.length : wanted + 1); t++) {
    for (let r = 0; r < recalls; r++) {
      for (let k = category ?? 0; k < (category === undefined ? categories : category + 1); k++) {
        const place = ((t * recalls + r) * categories + k) * AREA_RANGES.length + range;
        const value = values[place * maxDetections.length + most];
        if (value < 0) continue;
        sum += value;
        count++;
      }
    }
  }
  return count === 0 ? null : sum / count;
}

function thresholdIndex(threshold: number): number {
  const index = IOU_THRESHOLDS.findIndex((each) => Math.abs(each - threshold) < 1e-6);
  if (index < 0) throw new RangeError(`COCO's IoU thresholds are 0.50, 0.55 … 0.95; there is no ${threshold}`);
  return index;
}
