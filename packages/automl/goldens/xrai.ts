import { tensor, tidy } from '@fovea/torch';
import { z } from 'zod';
import { atOnce } from '../explain/steps.ts';
import type { Plane } from '../explain/xrai/gaussian-blur.ts';
import { rankRegions, rankRegionsFast } from '../explain/xrai/rank-regions.ts';
import { resizeCubic } from '../explain/xrai/resize.ts';
import {
  findSegments,
  maskOf,
  pixelsOf,
  type Segment,
  type SegmentOptions,
  segmentLabels,
  spread,
} from '../explain/xrai/segments.ts';
import { blackAndWhiteAttributions } from '../explain/xrai/xrai.ts';
import { compare } from './compare.ts';
import type { Kind } from './kinds.ts';
import { networkFigures, RecordedNetwork } from './recorded-network.ts';
import { fromCounts, toCounts, toRuns } from './run-counts.ts';
import { planeOf } from './segmentation.ts';

const HEAT_TOLERANCE = 1e-7;
const RESIZE_TOLERANCE = 1e-7;
/** The recorded attributions were added up in single precision. */
const SINGLE_TOLERANCE = 1e-5;
const WORKING_SIZE = { width: 224, height: 224 };

const numbers = z.array(z.number());
const table = z.array(numbers);

const oneCase = z.object({
  id: z.string(),
  model: z.string(),
  target: z.number(),
  steps: z.number(),
  input_hwc: z.array(table),
  attribution_per_pixel_max_over_channels: table,
  segmentation: z.array(
    z.object({
      scale: z.number(),
      sigma: z.number(),
      min_size: z.number(),
      labels_row_major_value_count: numbers.optional(),
      labels_at_224_row_major_value_count: numbers.optional(),
      labels_at_input_size_row_major_value_count: numbers.optional(),
    }),
  ),
  resized_sample_every_16th_pixel: z.array(table).optional(),
  dilation_radius: z.number(),
  masks_after_dilation_row_major_counts_from_zero: table,
  expected: z.record(
    z.string(),
    z.object({
      heat_map_values_by_rank: z.record(z.string(), z.number()),
      rank_row_major_value_count: numbers,
      heat_map_sum: z.number(),
      unchanged_under_1e6_noise: z.boolean().nullable().optional(),
    }),
  ),
});

const xraiFile = z.object({ models: z.record(z.string(), networkFigures), cases: z.array(oneCase).min(1) });

/** XRAI: its ranking from recorded segments and attributions, and the whole of it from picture and network. */
export const xrai: Kind = {
  format: 'xrai-cases-1',
  *check(file) {
    const parsed = xraiFile.safeParse(file);
    if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
    const { models, cases } = parsed.data;
    for (const one of cases) {
      const { id, expected, dilation_radius: dilationRadius } = one;
      const plane = planeOf(one.input_hwc);
      const area = plane.width * plane.height;
      const masks = one.masks_after_dilation_row_major_counts_from_zero;
      const recorded = Float64Array.from(one.attribution_per_pixel_max_over_channels.flat());

      const resized = one.segmentation.some((each) => each.labels_at_224_row_major_value_count);
      const options: SegmentOptions = {
        workingSize: resized ? WORKING_SIZE : null,
        settings: one.segmentation.map(({ scale, sigma, min_size }) => ({ scale, sigma, minSize: min_size })),
        dilationRadius,
      };
      for (const [i, { atWorkingSize, atImageSize }] of segmentLabels(plane, options).entries()) {
        const { scale, ...labels } = one.segmentation[i];
        const wanted = {
          ...(labels.labels_at_224_row_major_value_count && { at224: labels.labels_at_224_row_major_value_count }),
          atImageSize: labels.labels_at_input_size_row_major_value_count ?? labels.labels_row_major_value_count ?? [],
        };
        yield compare(
          `${id} scale ${scale}`,
          wanted,
          { at224: toRuns(atWorkingSize), atImageSize: toRuns(atImageSize) },
          0,
        );
      }
      const sample = one.resized_sample_every_16th_pixel;
      if (sample)
        yield compare(`${id} resized`, sample, sampled(resizeCubic(spread(plane), WORKING_SIZE), 16), RESIZE_TOLERANCE);

      const segments = findSegments(plane, options);
      yield compare(
        `${id} masks`,
        masks,
        segments.map((pixels) => toCounts(maskOf(pixels, area))),
        0,
      );

      const own = attributionsOf(new RecordedNetwork(models[one.model]), plane, one);
      const largest = recorded.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      yield compare(`${id} attributions`, [...recorded], [...own], SINGLE_TOLERANCE * largest);

      for (const [name, wanted] of Object.entries(expected)) {
        const given = masks.map((counts) => pixelsOf(fromCounts(counts, area)));
        yield* compareRanking(`${id} ${name}`, wanted, ranked(name, recorded, given), HEAT_TOLERANCE);
        // What moves with a disturbance of 1e−6 also moves with the rounding of the recorded attributions.
        if (wanted.unchanged_under_1e6_noise !== true) continue;
        yield* compareRanking(`${id} ${name} in all`, wanted, ranked(name, own, segments), SINGLE_TOLERANCE);
      }
    }
  },
};

/** By a name like `full_min_diff_50_area_0.3`. */
function ranked(name: string, attributions: Float64Array, segments: readonly Segment[]) {
  const found = /^(full|fast)_min_diff_(\d+)(?:_area_([\d.]+))?$/.exec(name);
  if (!found) throw new Error(`${name} is not a way to rank regions that is known here`);
  const [, algorithm, minPixels, coverage = 1] = found;
  const options = { minPixels: Number(minPixels), coverage: Number(coverage) };
  return (algorithm === 'fast' ? rankRegionsFast : rankRegions)(attributions, segments, options);
}

function* compareRanking(
  name: string,
  wanted: z.infer<typeof oneCase>['expected'][string],
  { heat, ranks }: ReturnType<typeof rankRegions>,
  tolerance: number,
) {
  const { heat_map_values_by_rank: heats, rank_row_major_value_count, heat_map_sum } = wanted;
  yield compare(`${name} ranks`, rank_row_major_value_count, toRuns(ranks), 0);
  const places = Object.keys(heats).map((rank) => ranks.indexOf(Number(rank)));
  const largest = Math.max(...Object.values(heats).map(Math.abs));
  yield compare(
    `${name} heat`,
    Object.values(heats),
    places.map((place) => heat[place] ?? null),
    tolerance * largest,
  );
  const sum = heat.reduce((a, b) => a + b);
  yield compare(`${name} sum`, heat_map_sum, sum, tolerance * heat.reduce((a, b) => a + Math.abs(b), 0));
}

function attributionsOf(
  network: RecordedNetwork,
  plane: Plane,
  { target, steps }: z.infer<typeof oneCase>,
): Float64Array {
  return tidy(() => {
    const { width, height, channels, values } = plane;
    const image = tensor(values).reshape([1, height, width, channels]).permute([0, 3, 1, 2]).contiguous();
    const forward = (x: typeof image) => network.forward(x);
    return atOnce(blackAndWhiteAttributions(forward, image, { targets: [target], steps }))[0];
  });
}

/** Every nth pixel of every nth row. */
function sampled({ width, height, channels, values }: Plane, n: number): number[][][] {
  const places = (length: number) => Array.from({ length: Math.ceil(length / n) }, (_, i) => i * n);
  return places(height).map((y) =>
    places(width).map((x) => [...values.subarray((y * width + x) * channels, (y * width + x + 1) * channels)]),
  );
}
