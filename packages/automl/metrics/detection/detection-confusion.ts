import { checkRecords, type DetectionRecords, type OverlapKind } from './detection-records.ts';
import { type Overlap, overlapsOf } from './overlap.ts';
import { groupBy, inGivenOrder } from './record-order.ts';

export interface ConfusionOptions {
  kind?: OverlapKind;
  /** From this overlap on a detection is taken to be of a truth, whatever its class; 0.5 unless said otherwise. */
  iouThreshold?: number;
}

/**
 * What objects were taken for: [i][j] counts objects of class i that were found as class j. The last row counts detections of no object,
 * the last column objects that were not found.
 *
 * Of detections and objects of an image the pair that overlaps most is joined first, each once; of equal overlaps one of the same class,
 * then the one with the higher score. Crowds are not counted, nor are detections left over that overlap one as much.
 *
 * @returns [categories + 1][categories + 1]
 * @throws RangeError when the records do not fit each other
 */
export function detectionConfusion(records: DetectionRecords, options: ConfusionOptions = {}): number[][] {
  const { kind = 'bbox', iouThreshold = 0.5 } = options;
  checkRecords(records, kind);
  const { images, categories, truths, detections } = records;
  const overlap = overlapsOf(records, kind);
  const found = groupBy(detections.image, images, inGivenOrder(detections.image.length));
  const there = groupBy(truths.image, images, inGivenOrder(truths.image.length));
  const matrix = Array.from({ length: categories + 1 }, () => new Array<number>(categories + 1).fill(0));
  const foundAs = new Int32Array(truths.image.length).fill(-1);
  /** Joined with an object, or overlapping a crowd. */
  const explained = new Uint8Array(detections.image.length);
  for (let image = 0; image < images; image++) {
    const ofImage = found.order.subarray(found.start[image], found.start[image + 1]);
    const thereInImage = there.order.subarray(there.start[image], there.start[image + 1]);
    const pairs = overlappingPairs(records, ofImage, thereInImage, overlap, iouThreshold);
    for (const { detection, truth } of pairs) {
      if (explained[detection] || foundAs[truth] >= 0) continue;
      explained[detection] = 1;
      if (!truths.crowd[truth]) foundAs[truth] = detection;
    }
  }
  for (let truth = 0; truth < foundAs.length; truth++) {
    if (truths.crowd[truth]) continue;
    const column = foundAs[truth] < 0 ? categories : detections.category[foundAs[truth]];
    matrix[truths.category[truth]][column]++;
  }
  for (let detection = 0; detection < explained.length; detection++) {
    if (!explained[detection]) matrix[categories][detections.category[detection]]++;
  }
  return matrix;
}

interface Pair {
  detection: number;
  truth: number;
  overlap: number;
}

/** The pairs of an image that overlap enough, the ones to be joined first before others; crowds last. */
function overlappingPairs(
  { truths, detections }: DetectionRecords,
  found: Uint32Array,
  there: Uint32Array,
  overlap: Overlap,
  iouThreshold: number,
): Pair[] {
  const pairs: Pair[] = [];
  for (const detection of found) {
    for (const truth of there) {
      const each = overlap(detection, truth, false);
      if (each >= iouThreshold) pairs.push({ detection, truth, overlap: each });
    }
  }
  const crowd = ({ truth }: Pair): number => Number(truths.crowd[truth] !== 0);
  const sameClass = ({ detection, truth }: Pair): number =>
    Number(detections.category[detection] === truths.category[truth]);
  const score = ({ detection }: Pair): number => detections.score[detection];
  return pairs.sort(
    (a, b) => crowd(a) - crowd(b) || b.overlap - a.overlap || sameClass(b) - sameClass(a) || score(b) - score(a),
  );
}
