import { maskArea, type RunLengths } from '@fovea/data/masks';
import type { DetectionRecords } from './detection-records.ts';

/** Objects of one image, as models give them and training data holds them. */
export interface ImageObjects {
  /** Corners x1, y1, x2, y2 of each [4 · objects] */
  boxes: ArrayLike<number>;
  /** Class indices [objects] */
  labels: ArrayLike<number>;
  masks?: readonly RunLengths[];
}

/** What is there. */
export interface TrueObjects extends ImageObjects {
  /** Not 0 for regions of many things; none unless given. */
  crowd?: ArrayLike<number>;
  /** Pixels² by which COCO tells small objects from large ones; unless given those of the masks, else those of the boxes. */
  areas?: ArrayLike<number>;
}

/** What a model found. */
export interface FoundObjects extends ImageObjects {
  scores: ArrayLike<number>;
}

/**
 * Collects what a model finds, image by image, for the metrics.
 *
 * ```ts
 * const log = new DetectionLog(classes.length);
 * log.addImage({ boxes: [10, 10, 60, 40], labels: [0] }, { boxes: [12, 9, 60, 41], labels: [0], scores: [0.93] });
 * detectionMetrics(log.records(), classes).metrics.mean_average_precision; // 1
 * ```
 */
export class DetectionLog {
  readonly #categories: number;
  #images = 0;
  readonly #truths = { ...emptyLists(), area: [] as number[], crowd: [] as number[] };
  readonly #detections = { ...emptyLists(), score: [] as number[] };

  constructor(categories: number) {
    this.#categories = categories;
  }

  /**
   * The next image, also one without objects.
   * @throws RangeError when the lists are not of one length
   */
  addImage(truth: TrueObjects, found: FoundObjects): void {
    checkLengths('truth', truth, { crowd: truth.crowd, areas: truth.areas, masks: truth.masks });
    checkLengths('found', found, { scores: found.scores, masks: found.masks });
    const { boxes, masks, areas } = truth;
    for (let i = 0; i < truth.labels.length; i++) {
      const at = 4 * i;
      const ofBox = (boxes[at + 2] - boxes[at]) * (boxes[at + 3] - boxes[at + 1]);
      this.#truths.area.push(areas?.[i] ?? (masks ? maskArea(masks[i]) : ofBox));
      this.#truths.crowd.push(truth.crowd?.[i] ?? 0);
    }
    for (let i = 0; i < found.scores.length; i++) this.#detections.score.push(found.scores[i]);
    addObjects(this.#truths, truth, this.#images);
    addObjects(this.#detections, found, this.#images);
    this.#images++;
  }

  /** All that was collected so far. */
  records(): DetectionRecords {
    return {
      images: this.#images,
      categories: this.#categories,
      truths: this.#truths,
      detections: this.#detections,
    };
  }
}

interface Lists {
  image: number[];
  category: number[];
  box: number[];
  masks: RunLengths[];
}

const emptyLists = (): Lists => ({ image: [], category: [], box: [], masks: [] });

function addObjects(lists: Lists, { boxes, labels, masks = [] }: ImageObjects, image: number): void {
  for (let i = 0; i < labels.length; i++) {
    const at = 4 * i;
    lists.image.push(image);
    lists.category.push(labels[i]);
    lists.box.push(boxes[at], boxes[at + 1], boxes[at + 2] - boxes[at], boxes[at + 3] - boxes[at + 1]);
  }
  lists.masks.push(...masks);
}

function checkLengths(
  name: string,
  { boxes, labels }: ImageObjects,
  others: Record<string, ArrayLike<unknown> | undefined>,
): void {
  const lengths = { ...others, boxes };
  for (const [list, values] of Object.entries(lengths)) {
    const expected = labels.length * (list === 'boxes' ? 4 : 1);
    if (values && values.length !== expected) {
      throw new RangeError(
        `${name}.${list} has ${values.length} entries, expected ${expected} for ${labels.length} labels`,
      );
    }
  }
}
