import type { RunLengths } from '@fovea/data/masks';

/**
 * What a model found in a set of images, and what is there: lists of equal length, one entry an object. Images and categories are
 * indices; `box` holds `x, y, width, height` of each, in any unit that is the same throughout (with the +1 convention: pixels).
 */
export interface DetectionRecords {
  images: number;
  categories: number;
  truths: Truths;
  detections: Detections;
}

export interface Truths {
  image: ArrayLike<number>;
  category: ArrayLike<number>;
  /** [4 · truths] */
  box: ArrayLike<number>;
  /** By which the object is small, medium or large, in pixels² */
  area: ArrayLike<number>;
  /** Not 0 where a region holds many things: to find one there is neither right nor wrong. */
  crowd: ArrayLike<number>;
  /** Needed to judge masks. */
  masks?: readonly RunLengths[];
}

export interface Detections {
  image: ArrayLike<number>;
  category: ArrayLike<number>;
  score: ArrayLike<number>;
  /** [4 · detections] */
  box: ArrayLike<number>;
  /** Needed to judge masks. */
  masks?: readonly RunLengths[];
}

/** By what objects are laid over each other: `bbox` or `segm`, as in COCO. */
export type OverlapKind = 'bbox' | 'segm';

/**
 * @param kind what is to be judged
 * @throws RangeError that names the list and place where records do not fit each other or are no finite numbers
 */
export function checkRecords({ images, categories, truths, detections }: DetectionRecords, kind: OverlapKind): void {
  for (const [name, list] of [
    ['truths', truths],
    ['detections', detections],
  ] as const) {
    const count = list.image.length;
    checkIndices(`${name}.image`, list.image, count, images);
    checkIndices(`${name}.category`, list.category, count, categories);
    checkFinite(`${name}.box`, list.box, 4 * count);
    if (kind === 'segm' && list.masks?.length !== count) {
      throw new RangeError(`${name}.masks has ${list.masks?.length ?? 'no'} masks, expected ${count}`);
    }
  }
  checkFinite('truths.area', truths.area, truths.image.length);
  checkFinite('truths.crowd', truths.crowd, truths.image.length);
  checkFinite('detections.score', detections.score, detections.image.length);
}

function checkIndices(name: string, list: ArrayLike<number>, count: number, below: number): void {
  checkLength(name, list, count);
  for (let i = 0; i < count; i++) {
    if (!(Number.isInteger(list[i]) && list[i] >= 0 && list[i] < below)) {
      throw new RangeError(`${name}[${i}] is ${list[i]}; expected an index below ${below}`);
    }
  }
}

function checkFinite(name: string, list: ArrayLike<number>, count: number): void {
  checkLength(name, list, count);
  for (let i = 0; i < count; i++) {
    if (!Number.isFinite(list[i])) throw new RangeError(`${name}[${i}] is ${list[i]}; metrics need finite numbers`);
  }
}

function checkLength(name: string, list: ArrayLike<number>, count: number): void {
  if (list.length !== count) throw new RangeError(`${name} has ${list.length} numbers, expected ${count}`);
}
