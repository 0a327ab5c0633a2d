import { maskArea } from '@fovea/data/masks';
import { AREA_RANGES, IOU_THRESHOLDS } from './coco-thresholds.ts';
import type { DetectionRecords, OverlapKind } from './detection-records.ts';
import { overlapsOf } from './overlap.ts';
import { byFallingScore, type Grouped, groupBy, inGivenOrder } from './record-order.ts';

/** What every detection was judged to be. A bit for each IoU threshold: those of one pair are looked at together. */
export interface CocoMatching {
  /** Detections by category, in each by falling score. */
  byCategory: Grouped;
  /** Place of a detection among those of its image and category, by falling score [detections]. */
  rank: Uint32Array;
  /** Bits of the thresholds at which a truth was found [area ranges][detections] */
  matched: Uint32Array[];
  /** Bits of the thresholds at which the detection is neither right nor wrong [area ranges][detections] */
  ignored: Uint32Array[];
  /** Truths to be found [area ranges][categories] */
  positives: Uint32Array[];
  matches: CocoMatches | null;
}

/** How detections were matched with objects of any size. */
export interface CocoMatches {
  /** Place among those of its image and category, by falling score [detections]; those beyond the largest maximum were not looked at. */
  rank: Uint32Array;
  /** The truth each was matched with, or −1 [IoU thresholds · detections]. */
  truth: Int32Array;
  /** 1 where a detection counts as neither right nor wrong [IoU thresholds · detections]. */
  ignored: Uint8Array;
}

const ALL_BITS = 2 ** IOU_THRESHOLDS.length - 1;
/** An overlap that reaches this is enough: 1 − 1e-10 at most, so that equal boxes match. */
const ENOUGH = Float64Array.from(IOU_THRESHOLDS, (threshold) => Math.min(threshold, 1 - 1e-10));

/**
 * Matches detections with truths of the same image and category, those with the highest scores first, at every IoU threshold and for
 * every area range.
 * @param most so many detections of an image and category are looked at
 */
export function matchObjects(
  records: DetectionRecords,
  kind: OverlapKind,
  most: number,
  keepMatches: boolean,
): CocoMatching {
  const { images, categories, truths, detections } = records;
  const count = detections.image.length;
  const byImage = groupBy(detections.image, images, inGivenOrder(count));
  const byScore = byFallingScore(detections.score, byImage.order);
  const found = groupBy(detections.category, categories, groupBy(detections.image, images, byScore).order);
  const there = groupBy(
    truths.category,
    categories,
    groupBy(truths.image, images, inGivenOrder(truths.image.length)).order,
  );
  const matcher = new Matcher(records, kind, most, keepMatches);
  for (let category = 0; category < categories; category++) {
    let d = found.start[category];
    let t = there.start[category];
    const lastDetection = found.start[category + 1];
    const lastTruth = there.start[category + 1];
    while (d < lastDetection || t < lastTruth) {
      const image = Math.min(
        d < lastDetection ? detections.image[found.order[d]] : images,
        t < lastTruth ? truths.image[there.order[t]] : images,
      );
      const [firstDetection, firstTruth] = [d, t];
      while (d < lastDetection && detections.image[found.order[d]] === image) d++;
      while (t < lastTruth && truths.image[there.order[t]] === image) t++;
      matcher.match(category, found.order.subarray(firstDetection, d), there.order.subarray(firstTruth, t));
    }
  }
  return { byCategory: groupBy(detections.category, categories, byScore), ...matcher.result };
}

/** Judges the detections of one image and category after those of another, with the same buffers. */
class Matcher {
  readonly result: Omit<CocoMatching, 'byCategory'>;
  readonly #overlap: ReturnType<typeof overlapsOf>;
  readonly #most: number;
  readonly #areas: Float64Array;
  readonly #truthAreas: Float64Array;
  readonly #crowd: ArrayLike<number>;
  /** Truths that overlap enough with the detection at hand, and by how much. */
  #near = new Uint32Array(64);
  #nearOverlap = new Float64Array(64);
  /** Where the near truths of each detection begin. */
  #nearStart = new Uint32Array(64);
  #unwanted = new Uint8Array(64);
  /** Bits of the thresholds at which a truth is taken. */
  #taken = new Uint32Array(64);

  constructor(records: DetectionRecords, kind: OverlapKind, most: number, keepMatches: boolean) {
    const { truths, detections, categories } = records;
    const count = detections.image.length;
    const perArea = (length: number) => AREA_RANGES.map(() => new Uint32Array(length));
    const rank = new Uint32Array(count);
    this.result = {
      rank,
      matched: perArea(count),
      ignored: perArea(count),
      positives: perArea(categories),
      matches: keepMatches
        ? {
            rank,
            truth: new Int32Array(IOU_THRESHOLDS.length * count).fill(-1),
            ignored: new Uint8Array(IOU_THRESHOLDS.length * count),
          }
        : null,
    };
    this.#overlap = overlapsOf(records, kind);
    this.#most = most;
    this.#areas = areasOf(records, kind);
    this.#truthAreas = new Float64Array(truths.area);
    this.#crowd = truths.crowd;
  }

  /**
   * @param found detections by falling score
   * @param there truths in the order of the list
   */
  match(category: number, found: Uint32Array, there: Uint32Array): void {
    for (let i = 0; i < found.length; i++) this.result.rank[found[i]] = i;
    const looked = found.length > this.#most ? found.subarray(0, this.#most) : found;
    this.#findNear(looked, there);
    for (let range = 0; range < AREA_RANGES.length; range++) {
      const { from, to } = AREA_RANGES[range];
      for (let t = 0; t < there.length; t++) {
        const area = this.#truthAreas[there[t]];
        const unwanted = this.#crowd[there[t]] !== 0 || area < from || area > to;
        this.#unwanted[t] = unwanted ? 1 : 0;
        this.#taken[t] = 0;
        if (!unwanted) this.result.positives[range][category]++;
      }
      for (let d = 0; d < looked.length; d++) this.#judge(range, looked, there, d);
    }
  }

  /** Most detections overlap with no truth or one: only these pairs are looked at for every threshold and area range. */
  #findNear(found: Uint32Array, there: Uint32Array): void {
    this.#nearStart = grown(this.#nearStart, found.length + 1);
    this.#unwanted = grown(this.#unwanted, there.length);
    this.#taken = grown(this.#taken, there.length);
    let near = 0;
    for (let d = 0; d < found.length; d++) {
      this.#nearStart[d] = near;
      this.#near = grown(this.#near, near + there.length);
      this.#nearOverlap = grown(this.#nearOverlap, near + there.length);
      for (let t = 0; t < there.length; t++) {
        const overlap = this.#overlap(found[d], there[t], this.#crowd[there[t]] !== 0);
        if (overlap < ENOUGH[0]) continue;
        this.#near[near] = t;
        this.#nearOverlap[near++] = overlap;
      }
    }
    this.#nearStart[found.length] = near;
  }

  #judge(range: number, found: Uint32Array, there: Uint32Array, d: number): void {
    const detection = found[d];
    const { matches } = this.result;
    const keep = range === 0 ? matches : null;
    let matched = 0;
    let ignored = 0;
    if (this.#nearStart[d] < this.#nearStart[d + 1]) {
      for (let threshold = 0; threshold < ENOUGH.length; threshold++) {
        let truth = this.#best(d, threshold, there, 0);
        if (truth < 0) truth = this.#best(d, threshold, there, 1);
        if (truth < 0) continue;
        const bit = 1 << threshold;
        matched |= bit;
        if (this.#unwanted[truth]) ignored |= bit;
        this.#taken[truth] |= bit;
        if (keep) keep.truth[threshold * this.result.rank.length + detection] = there[truth];
      }
    }
    const { from, to } = AREA_RANGES[range];
    const area = this.#areas[detection];
    if (area < from || area > to) ignored |= ALL_BITS & ~matched;
    this.result.matched[range][detection] = matched;
    this.result.ignored[range][detection] = ignored;
    if (keep) {
      for (let threshold = 0; threshold < ENOUGH.length; threshold++) {
        keep.ignored[threshold * this.result.rank.length + detection] = (ignored >>> threshold) & 1;
      }
    }
  }

  /**
   * Of the truths that are to be found, or of those that are not, the one that overlaps most and is still free; the last of equal
   * ones. A region of many things is never taken.
   */
  #best(d: number, threshold: number, there: Uint32Array, unwanted: 0 | 1): number {
    let best = -1;
    let overlap = ENOUGH[threshold];
    for (let i = this.#nearStart[d]; i < this.#nearStart[d + 1]; i++) {
      const truth = this.#near[i];
      if (this.#nearOverlap[i] < overlap || this.#unwanted[truth] !== unwanted) continue;
      if ((this.#taken[truth] >>> threshold) & 1 && this.#crowd[there[truth]] === 0) continue;
      overlap = this.#nearOverlap[i];
      best = truth;
    }
    return best;
  }
}

/** Areas of detections: of their boxes, or of their masks. */
function areasOf({ detections }: DetectionRecords, kind: OverlapKind): Float64Array {
  const { box, masks = [] } = detections;
  return Float64Array.from({ length: detections.image.length }, (_, i) =>
    kind === 'segm' ? maskArea(masks[i]) : box[4 * i + 2] * box[4 * i + 3],
  );
}

/** The same buffer where it is large enough, otherwise one of twice the length needed with what was in it. */
function grown<Buffer extends Uint8Array | Uint32Array | Float64Array>(buffer: Buffer, length: number): Buffer {
  if (buffer.length >= length) return buffer;
  const larger = new (buffer.constructor as new (length: number) => Buffer)(2 * length);
  larger.set(buffer);
  return larger;
}
