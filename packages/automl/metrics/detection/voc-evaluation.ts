import { checkRecords, type DetectionRecords, type OverlapKind } from './detection-records.ts';
import { boxOverlapPlusOne, type Overlap, overlapsOf } from './overlap.ts';
import { byFallingScore, groupBy, inGivenOrder } from './record-order.ts';

export interface VocOptions {
  /** Boxes unless said otherwise. */
  kind?: OverlapKind;
  /** From this overlap on a truth is found; 0.5 unless said otherwise. */
  iouThreshold?: number;
  /**
   * `continuous` (unless said otherwise): boxes reach from x to x + width. `plus1`: their corners are pixels that belong to them, as
   * in the development kit of Pascal VOC; for boxes in pixels only.
   */
  convention?: 'continuous' | 'plus1';
}

/** The detections of one category by falling score. */
export interface VocCategory {
  /** Truths to be found: crowds, which stand for what VOC calls difficult, are not counted. */
  positives: number;
  /** Places in the list of detections. */
  order: Uint32Array;
  scores: Float64Array;
  /** 1 where a truth was found that was not found before. One that is no true and no false positive fell on a crowd. */
  truePositives: Uint8Array;
  /** 1 where there was none, or it had been found. */
  falsePositives: Uint8Array;
}

/**
 * The evaluation of Pascal VOC at one overlap: each detection, by falling score, is held against the truth of its image and category
 * that it overlaps most. Where scores are equal, the image with the lower index comes first, then the place in the list.
 *
 * @returns one entry a category
 * @throws RangeError when the records do not fit each other
 */
export function evaluateVoc(records: DetectionRecords, options: VocOptions = {}): VocCategory[] {
  const { kind = 'bbox', iouThreshold = 0.5, convention = 'continuous' } = options;
  if (!(iouThreshold > 0 && iouThreshold <= 1)) {
    throw new RangeError(`the IoU threshold is ${iouThreshold}; it should be above 0 and at most 1`);
  }
  checkRecords(records, kind);
  const { images, categories, truths, detections } = records;
  const overlap = overlapIn(records, kind, convention);
  const byImage = groupBy(detections.image, images, inGivenOrder(detections.image.length));
  const found = groupBy(detections.category, categories, byFallingScore(detections.score, byImage.order));
  const there = groupBy(truths.category, categories, inGivenOrder(truths.image.length));
  const taken = new Uint8Array(truths.image.length);
  return Array.from({ length: categories }, (_, category) => {
    const ofCategory = there.order.subarray(there.start[category], there.start[category + 1]);
    const inImage = groupBy(truths.image, images, ofCategory);
    const order = found.order.slice(found.start[category], found.start[category + 1]);
    const truePositives = new Uint8Array(order.length);
    const falsePositives = new Uint8Array(order.length);
    for (let i = 0; i < order.length; i++) {
      const image = detections.image[order[i]];
      let best = -1;
      let most = -1;
      for (let at = inImage.start[image]; at < inImage.start[image + 1]; at++) {
        const each = overlap(order[i], inImage.order[at], false);
        if (each <= most) continue;
        most = each;
        best = inImage.order[at];
      }
      if (most < iouThreshold || taken[best]) falsePositives[i] = 1;
      else if (!truths.crowd[best]) truePositives[i] = taken[best] = 1;
    }
    let positives = 0;
    for (let i = 0; i < ofCategory.length; i++) positives += truths.crowd[ofCategory[i]] ? 0 : 1;
    const scores = Float64Array.from(order, (detection) => detections.score[detection]);
    return { positives, order, scores, truePositives, falsePositives };
  });
}

function overlapIn(records: DetectionRecords, kind: OverlapKind, convention: 'continuous' | 'plus1'): Overlap {
  if (convention === 'continuous') return overlapsOf(records, kind);
  if (kind === 'segm') throw new RangeError('masks are made of pixels already; the plus1 convention is for boxes');
  const found = new Float64Array(records.detections.box);
  const there = new Float64Array(records.truths.box);
  return (detection, truth) => boxOverlapPlusOne(found, detection, there, truth);
}

/** Precision and recall after each detection. */
export interface PrecisionRecall {
  /** 0 as long as all fell on crowds. */
  precision: Float64Array;
  /** NaN where there is nothing to be found. */
  recall: Float64Array;
}

export function precisionRecall({ positives, truePositives, falsePositives }: VocCategory): PrecisionRecall {
  const precision = new Float64Array(truePositives.length);
  const recall = new Float64Array(truePositives.length);
  let right = 0;
  let wrong = 0;
  for (let i = 0; i < truePositives.length; i++) {
    right += truePositives[i];
    wrong += falsePositives[i];
    precision[i] = right / Math.max(right + wrong, 1);
    recall[i] = right / positives;
  }
  return { precision, recall };
}

/**
 * Area under the precision–recall curve, each precision replaced by the highest at its recall or a higher one (VOC from 2010 on).
 * @returns null when there is nothing to be found
 */
export function averagePrecisionAllPoints(category: VocCategory): number | null {
  if (category.positives === 0) return null;
  const { precision, recall } = precisionRecall(category);
  let area = 0;
  let highest = 0;
  for (let i = precision.length - 1; i >= 0; i--) {
    highest = Math.max(highest, precision[i]);
    area += (recall[i] - (i > 0 ? recall[i - 1] : 0)) * highest;
  }
  return area;
}

/**
 * Mean over recalls 0, 0.1 … 1 of the highest precision at that recall or a higher one (VOC until 2009).
 * @returns null when there is nothing to be found
 */
export function averagePrecision11Points(category: VocCategory): number | null {
  if (category.positives === 0) return null;
  const { precision, recall } = precisionRecall(category);
  let sum = 0;
  for (let tenth = 0; tenth <= 10; tenth++) {
    let highest = 0;
    for (let i = 0; i < precision.length; i++) {
      if (recall[i] >= tenth / 10) highest = Math.max(highest, precision[i]);
    }
    sum += highest;
  }
  return sum / 11;
}
