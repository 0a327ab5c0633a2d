import { accumulate, type CocoCurves } from './coco-curves.ts';
import { type CocoMatches, matchObjects } from './coco-matching.ts';
import { checkRecords, type DetectionRecords, type OverlapKind } from './detection-records.ts';

export interface CocoOptions {
  /** Boxes unless said otherwise. */
  kind?: OverlapKind;
  /** So many detections of an image and category are looked at, those with the highest scores; rising. 1, 10, 100 unless said otherwise. */
  maxDetections?: readonly number[];
  /** Keep which truth each detection was matched with; needs memory for 10 numbers per detection. */
  keepMatches?: boolean;
}

export interface CocoEvaluation extends CocoCurves {
  /** null unless asked for. */
  matches: CocoMatches | null;
}

/**
 * COCO's evaluation of boxes or masks (pycocotools' evaluate and accumulate): for each category, area range and number of detections the
 * precision at 101 recalls, for ten IoU thresholds.
 *
 * Where scores are equal, the image with the lower index comes first, then the place in the list.
 *
 * @throws RangeError when the records do not fit each other
 */
export function evaluateCoco(records: DetectionRecords, options: CocoOptions = {}): CocoEvaluation {
  const { kind = 'bbox', maxDetections = [1, 10, 100], keepMatches = false } = options;
  if (maxDetections.length === 0 || maxDetections.some((most, i) => !(most > (maxDetections[i - 1] ?? 0)))) {
    throw new RangeError(`maxDetections is [${maxDetections.join(', ')}]; it should rise from at least 1`);
  }
  checkRecords(records, kind);
  const matching = matchObjects(records, kind, maxDetections[maxDetections.length - 1], keepMatches);
  return { ...accumulate(records, matching, maxDetections), matches: matching.matches };
}
