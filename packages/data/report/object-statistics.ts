import type { ObjectRecord } from '../detection/object-record.ts';
import type { ImageTraits } from './image-traits.ts';
import { type Spread, spread } from './picture-statistics.ts';

/** COCO's sizes, by the area of the box in pixels of the image: small below 32², large above 96². */
const SMALL = 32 ** 2;
const LARGE = 96 ** 2;

/** How large images are looked at, about, when a job does not say: their longer side. */
export const USUAL_LONGER_SIDE = 640;

/** Of a side of a box, at that size, below which little can be learned: the finest grid of the detectors has cells of 4 to 8. */
export const LOST_SIDE = 8;

/** Boxes that a detector answers for an image at most, unless told otherwise (`box_detections_per_image`). */
export const USUAL_DETECTIONS = 100;

/** Objects of one class. */
export interface ObjectCount {
  readonly name: string;
  readonly training: number;
  readonly validation: number;
  /** Of both sets. */
  readonly small: number;
  readonly medium: number;
  readonly large: number;
}

/** What the objects of a set are like, of training and validation. */
export interface ObjectStatistics {
  readonly number: number;
  readonly images_without_objects: number;
  /** Groups that were not told apart (`isCrowd`), which metrics pass over. */
  readonly crowds: number;
  readonly of_an_image: Spread;
  /** Images with 0, 1, 2, … objects; the last number is of the most that an image has. */
  readonly images_by_number_of_objects: readonly number[];
  readonly classes: readonly ObjectCount[];
  /** In pixels of the images. */
  readonly width: Spread;
  readonly height: Spread;
  /** Width by height, in pixels: above 1 where a box is wider than high. */
  readonly aspect: Spread;
  /** Share of the image's area. */
  readonly share: Spread;
  /** Boxes that reach an edge of their image. */
  readonly at_edge: number;
  /** Objects with a side below 8 pixels when the image is looked at with 640 pixels on its longer side. */
  readonly lost_when_resized: number;
  /** Images with more than a hundred objects, which is what detectors answer at most unless told otherwise. */
  readonly images_with_very_many: number;
}

interface Sets {
  readonly training: readonly ObjectRecord[];
  readonly validation: readonly ObjectRecord[];
}

/** @param traits sizes in pixels come from there; boxes of images that are not in it count, but are not measured */
export function objectStatistics(
  { training, validation }: Sets,
  classes: readonly string[],
  traits: ReadonlyMap<string, Pick<ImageTraits, 'width' | 'height'>>,
): ObjectStatistics {
  const counts = new Map(
    classes.map((name) => [name, { name, training: 0, validation: 0, small: 0, medium: 0, large: 0 }]),
  );
  const widths: number[] = [];
  const heights: number[] = [];
  const aspects: number[] = [];
  const shares: number[] = [];
  const byNumber: number[] = [];
  let [number, crowds, atEdge, lost] = [0, 0, 0, 0];
  for (const [set, records] of [
    ['training', training],
    ['validation', validation],
  ] as const)
    for (const { file, objects } of records) {
      while (byNumber.length <= objects.length) byNumber.push(0);
      byNumber[objects.length]++;
      number += objects.length;
      const size = traits.get(file);
      for (const { label, box, crowd } of objects) {
        const ofClass = counts.get(label);
        if (ofClass) ofClass[set]++;
        if (crowd) crowds++;
        const [x1, y1, x2, y2] = box;
        if (x1 <= 0 || y1 <= 0 || x2 >= 1 || y2 >= 1) atEdge++;
        shares.push((x2 - x1) * (y2 - y1));
        if (!size) continue;
        const [width, height] = [(x2 - x1) * size.width, (y2 - y1) * size.height];
        widths.push(width);
        heights.push(height);
        aspects.push(width / height);
        const scale = USUAL_LONGER_SIDE / Math.max(size.width, size.height);
        if (Math.min(width, height) * scale < LOST_SIDE) lost++;
        const area = width * height;
        if (ofClass) ofClass[area < SMALL ? 'small' : area > LARGE ? 'large' : 'medium']++;
      }
    }
  const numbers = [...training, ...validation].map(({ objects }) => objects.length);
  return {
    number,
    images_without_objects: byNumber[0] ?? 0,
    crowds,
    of_an_image: spread(numbers),
    images_by_number_of_objects: byNumber,
    classes: [...counts.values()],
    width: rounded(spread(widths), 0),
    height: rounded(spread(heights), 0),
    aspect: rounded(spread(aspects), 2),
    share: rounded(spread(shares), 4),
    at_edge: atEdge,
    lost_when_resized: lost,
    images_with_very_many: numbers.filter((one) => one > USUAL_DETECTIONS).length,
  };
}

const rounded = ({ smallest, median, largest }: Spread, digits: number): Spread => ({
  smallest: Number(smallest.toFixed(digits)),
  median: Number(median.toFixed(digits)),
  largest: Number(largest.toFixed(digits)),
});
