import type { Tensor } from '@fovea/torch';
import { requireFinite } from '../explanation-error.ts';
import { type Forward, integratedGradients } from '../integrated-gradients.ts';
import { evenNodes } from '../integration-nodes.ts';
import type { Steps } from '../steps.ts';
import type { Plane } from './gaussian-blur.ts';
import { type RankedRegions, rankRegions, rankRegionsFast } from './rank-regions.ts';
import { range } from './resize.ts';
import { findSegments } from './segments.ts';

export interface XraiOptions {
  targets: readonly number[];
  /** Points on each path from a baseline to the picture, 2 or more. */
  steps: number;
  /** How many points go through the network together; all of a path when not given. */
  batch?: number;
  /** Whether regions are ranked in one pass: faster, less exact. */
  fast: boolean;
}

/** A segment that would add fewer pixels than this to what is covered is left out, as in the published program. */
const FEWEST_PIXELS = 50;

/**
 * Which regions of a picture speak for a class. Kapishnikov et al. 2019, https://arxiv.org/abs/1906.02825: integrated gradients from
 * black and from white, summed up over segments of many sizes.
 *
 * @param forward takes pictures as `image` is
 * @param image `[1, 3, H, W]` with values as seen, not normalised: segments are found by colour
 * @returns of each target the heat of all pixels
 */
export function* xrai(
  forward: Forward,
  image: Tensor,
  { targets, steps, fast, batch }: XraiOptions,
): Steps<RankedRegions[]> {
  const plane = planeOf(image);
  const maps = yield* blackAndWhiteAttributions(forward, image, { targets, steps, batch });
  maps.forEach(requireFinite);
  yield;
  const segments = findSegments(plane);
  const rank = fast ? rankRegionsFast : rankRegions;
  const ranked: RankedRegions[] = [];
  for (const map of maps) {
    yield;
    ranked.push(rank(map, segments, { minPixels: FEWEST_PIXELS }));
  }
  return ranked;
}

/**
 * Integrated gradients of each pixel: their mean over a path from the picture's smallest value and one from its largest, of its
 * channels the largest.
 */
export function* blackAndWhiteAttributions(
  forward: Forward,
  image: Tensor,
  { targets, steps, batch }: Omit<XraiOptions, 'fast'>,
): Steps<Float64Array[]> {
  const [, channels, height, width] = image.shape;
  const area = height * width;
  const sums = targets.map(() => new Float64Array(channels * area));
  for (const baseline of range(image.data() as Float64Array)) {
    const attributions = yield* integratedGradients(forward, image, {
      targets,
      baseline,
      nodes: evenNodes(steps),
      batch,
    });
    const values = attributions.data() as Float32Array | Float64Array;
    attributions.dispose();
    for (const [i, sum] of sums.entries()) {
      for (let at = 0; at < sum.length; at++) sum[at] += values[i * sum.length + at] / 2;
    }
  }
  return sums.map((sum) =>
    Float64Array.from({ length: area }, (_, pixel) => {
      let largest = sum[pixel];
      for (let channel = 1; channel < channels; channel++) largest = Math.max(largest, sum[channel * area + pixel]);
      return largest;
    }),
  );
}

/** `[1, C, H, W]` as rows of pixels. */
export function planeOf(image: Tensor): Plane {
  const [, channels, height, width] = image.shape;
  const area = height * width;
  const given = image.data() as Float32Array | Float64Array;
  const values = new Float64Array(given.length);
  for (let i = 0; i < given.length; i++) values[(i % area) * channels + Math.floor(i / area)] = given[i];
  return { width, height, channels, values };
}
