import type { ImageTraits } from './image-traits.ts';

/** Of a number that each image has. */
export interface Spread {
  readonly smallest: number;
  readonly median: number;
  readonly largest: number;
}

/** What the images of a set are like. Lengths in pixels, after EXIF orientation. */
export interface PictureStatistics {
  readonly width: Spread;
  readonly height: Spread;
  /** Number of images of each format: `jpeg`, `png`, … */
  readonly formats: Readonly<Record<string, number>>;
  /** Images that EXIF says to turn or to mirror. */
  readonly turned_by_exif: number;
  /** Without visible colour. */
  readonly greyscale: number;
  readonly cmyk: number;
  readonly sixteen_bit: number;
  readonly with_transparency: number;
  readonly animated: number;
}

export function pictureStatistics(pictures: readonly ImageTraits[]): PictureStatistics {
  const count = (has: (picture: ImageTraits) => boolean) => pictures.filter(has).length;
  const formats = Map.groupBy(pictures, ({ format }) => format);
  return {
    width: spread(pictures.map(({ width }) => width)),
    height: spread(pictures.map(({ height }) => height)),
    formats: Object.fromEntries([...formats].map(([format, { length }]) => [format, length])),
    turned_by_exif: count(({ orientation }) => orientation !== 1),
    greyscale: count(({ grey }) => grey),
    cmyk: count(({ space }) => space === 'cmyk'),
    sixteen_bit: count(({ space }) => /16$/.test(space)),
    with_transparency: count(({ alpha }) => alpha),
    animated: count(({ frames }) => frames > 1),
  };
}

/** All 0 when there is nothing. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const [smallest = 0, largest = 0] = [sorted[0], sorted.at(-1)];
  return { smallest, median: sorted[Math.floor(sorted.length / 2)] ?? 0, largest };
}

/** What is odd about the size of an image. */
export type OddSize = 'very-small' | 'very-large' | 'very-long' | 'one-colour';

/** A shorter side below this holds too little to be told apart; an image this much below all others is likely an icon. */
const SMALL_SIDE = 32;
const SMALL_PART = 1 / 8;

/** Above this many pixels an image costs more to decode than anything else in training does; the network sees 224 × 224. */
const LARGE_PIXELS = 25e6;

/** From this ratio of the sides on, the square in the middle that the network is shown is less than a third of the image. */
export const LONG_RATIO = 3;

/** Standard deviation of the brightness below which nothing can be seen. */
const ONE_COLOUR_CONTRAST = 2;

/** @param medianSide of the shorter sides of all images of the set */
export function oddSize({ width, height, contrast }: ImageTraits, medianSide: number): OddSize | null {
  const [short, long] = [Math.min(width, height), Math.max(width, height)];
  if (short < SMALL_SIDE || short < medianSide * SMALL_PART) return 'very-small';
  if (width * height > LARGE_PIXELS) return 'very-large';
  if (long / short >= LONG_RATIO) return 'very-long';
  return contrast < ONE_COLOUR_CONTRAST ? 'one-colour' : null;
}

/** Median of the shorter sides, 0 of nothing. */
export function medianShortSide(pictures: readonly ImageTraits[]): number {
  return spread(pictures.map(({ width, height }) => Math.min(width, height))).median;
}
