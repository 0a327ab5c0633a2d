import type { CocoMatching } from './coco-matching.ts';
import { AREA_RANGES, IOU_THRESHOLDS, RECALL_THRESHOLDS } from './coco-thresholds.ts';
import type { DetectionRecords } from './detection-records.ts';

/** Arrays as pycocotools has them, flat; −1 where there is no truth of a category and area range. */
export interface CocoCurves {
  categories: number;
  maxDetections: readonly number[];
  /** The highest precision at this recall or a higher one [IoU thresholds, recalls, categories, area ranges, maxDetections] */
  precision: Float64Array;
  /** The score from which on that recall is reached; 0 where it never is. Of the same shape. */
  scores: Float64Array;
  /** Of all detections looked at [IoU thresholds, categories, area ranges, maxDetections] */
  recall: Float64Array;
}

/** Joins what was judged image by image into curves (pycocotools' accumulate). */
export function accumulate(
  { categories, detections }: DetectionRecords,
  matching: CocoMatching,
  maxDetections: readonly number[],
): CocoCurves {
  const recalls = RECALL_THRESHOLDS.length;
  const cells = categories * AREA_RANGES.length * maxDetections.length;
  const precision = new Float64Array(IOU_THRESHOLDS.length * recalls * cells).fill(-1);
  const scores = new Float64Array(precision.length).fill(-1);
  const recall = new Float64Array(IOU_THRESHOLDS.length * cells).fill(-1);
  const { order, start } = matching.byCategory;
  for (let category = 0; category < categories; category++) {
    const ranked = order.subarray(start[category], start[category + 1]);
    const taken = new Uint32Array(ranked.length);
    const right = new Uint32Array(ranked.length);
    const wrong = new Uint32Array(ranked.length);
    const steps = new Steps(ranked.length);
    for (let m = 0; m < maxDetections.length; m++) {
      let count = 0;
      for (let i = 0; i < ranked.length; i++) {
        if (matching.rank[ranked[i]] < maxDetections[m]) taken[count++] = ranked[i];
      }
      for (let range = 0; range < AREA_RANGES.length; range++) {
        const positives = matching.positives[range][category];
        if (positives === 0) continue;
        const matched = matching.matched[range];
        const ignored = matching.ignored[range];
        for (let i = 0; i < count; i++) {
          right[i] = matched[taken[i]] & ~ignored[taken[i]];
          wrong[i] = ~(matched[taken[i]] | ignored[taken[i]]);
        }
        const cell = (category * AREA_RANGES.length + range) * maxDetections.length + m;
        for (let threshold = 0; threshold < IOU_THRESHOLDS.length; threshold++) {
          steps.walk(right, wrong, count, threshold);
          recall[threshold * cells + cell] = steps.length / positives;
          let step = 0;
          for (let r = 0; r < recalls; r++) {
            // Recall 0 is reached by the first detection, be it right or wrong.
            while (step < steps.length && (step + 1) / positives < RECALL_THRESHOLDS[r]) step++;
            const at = (threshold * recalls + r) * cells + cell;
            const reached = RECALL_THRESHOLDS[r] === 0 ? count > 0 : step < steps.length;
            const place = RECALL_THRESHOLDS[r] === 0 ? 0 : steps.place[step];
            precision[at] = step < steps.length ? steps.precision[step] : 0;
            scores[at] = reached ? detections.score[taken[place]] : 0;
          }
        }
      }
    }
  }
  return { categories, maxDetections, precision, scores, recall };
}

/** Where recall rises: at the right ones of the detections. Between them precision only falls, so no other place can be a highest. */
class Steps {
  length = 0;
  /** Which detection it is, by falling score. */
  readonly place: Uint32Array;
  /** The highest precision here or later. */
  readonly precision: Float64Array;

  constructor(most: number) {
    this.place = new Uint32Array(most);
    this.precision = new Float64Array(most);
  }

  walk(right: Uint32Array, wrong: Uint32Array, count: number, threshold: number): void {
    let truePositives = 0;
    let falsePositives = 0;
    for (let i = 0; i < count; i++) {
      falsePositives += (wrong[i] >>> threshold) & 1;
      if (((right[i] >>> threshold) & 1) === 0) continue;
      this.place[truePositives++] = i;
      this.precision[truePositives - 1] = truePositives / (falsePositives + truePositives + Number.EPSILON);
    }
    this.length = truePositives;
    for (let i = truePositives - 1; i > 0; i--) {
      this.precision[i - 1] = Math.max(this.precision[i - 1], this.precision[i]);
    }
  }
}
