import type { Segment } from './segments.ts';

export interface RankOptions {
  /** A segment that would add fewer pixels than this is left out. */
  minPixels: number;
  /** Stop once this share of the picture is covered; 1 (the default): never. Of the full algorithm alone. */
  coverage?: number;
}

export interface RankedRegions {
  /** Of each pixel the mean attribution of the region that brought it in. */
  heat: Float64Array;
  /** Of each pixel 1 for the most important region, 2 for the next …; those that no region brought in come last. */
  ranks: Int32Array;
}

interface Region {
  pixels: Int32Array;
  gain: number;
}

/**
 * The regions that matter, one after the other: each time the segment whose uncovered pixels have the largest mean attribution.
 * Algorithm 1 of Kapishnikov et al. 2019, https://arxiv.org/abs/1906.02825.
 *
 * @param attributions of each pixel
 */
export function rankRegions(
  attributions: Float64Array,
  segments: readonly Segment[],
  { minPixels, coverage = 1 }: RankOptions,
): RankedRegions {
  const covered = new Uint8Array(attributions.length);
  const regions: Region[] = [];
  let rest = segments;
  let count = 0;
  while (count / covered.length <= coverage) {
    rest = rest.map((pixels) => uncovered(pixels, covered)).filter(({ length }) => length >= minPixels);
    if (rest.length === 0) break;
    const gains = rest.map((pixels) => mean(attributions, pixels));
    const best = gains.indexOf(gains.reduce((a, b) => Math.max(a, b)));
    const pixels = rest[best];
    for (const pixel of pixels) covered[pixel] = 1;
    count += pixels.length;
    regions.push({ pixels, gain: gains[best] });
    rest = rest.toSpliced(best, 1);
  }
  return paint(attributions, regions, covered);
}

/**
 * The same in one pass: segments in the order of the mean attributions of all their pixels, covered or not. Faster, less exact.
 * This is the published program's own variant.
 */
export function rankRegionsFast(
  attributions: Float64Array,
  segments: readonly Segment[],
  { minPixels }: Pick<RankOptions, 'minPixels'>,
): RankedRegions {
  const covered = new Uint8Array(attributions.length);
  const regions: Region[] = [];
  const sorted = segments.map((pixels) => ({ pixels, gain: mean(attributions, pixels) })).sort((a, b) => order(a, b));
  for (const segment of sorted) {
    const pixels = uncovered(segment.pixels, covered);
    if (pixels.length === 0 || pixels.length < minPixels) continue;
    for (const pixel of pixels) covered[pixel] = 1;
    regions.push({ pixels, gain: mean(attributions, pixels) });
  }
  return paint(attributions, regions, covered);
}

function paint(attributions: Float64Array, regions: readonly Region[], covered: Uint8Array): RankedRegions {
  const left = Int32Array.from(covered.keys()).filter((pixel) => !covered[pixel]);
  const ranked = regions.toSorted(order);
  if (left.length > 0) ranked.push({ pixels: left, gain: mean(attributions, left) });
  const heat = new Float64Array(attributions.length);
  const ranks = new Int32Array(attributions.length);
  for (const [i, { pixels, gain }] of ranked.entries()) {
    for (const pixel of pixels) {
      heat[pixel] = gain;
      ranks[pixel] = i + 1;
    }
  }
  return { heat, ranks };
}

/** The larger gain first. */
const order = (a: Region, b: Region): number => (a.gain === b.gain ? 0 : b.gain - a.gain);

const uncovered = (pixels: Int32Array, covered: Uint8Array): Int32Array => pixels.filter((pixel) => !covered[pixel]);

function mean(attributions: Float64Array, pixels: Int32Array): number {
  let sum = 0;
  for (const pixel of pixels) sum += attributions[pixel];
  return pixels.length > 0 ? sum / pixels.length : Number.NEGATIVE_INFINITY;
}
