import { z } from 'zod';
import { dilate } from '../explain/xrai/dilate.ts';
import type { Plane } from '../explain/xrai/gaussian-blur.ts';
import { segmentByGraph } from '../explain/xrai/graph-segmentation.ts';
import { resizeCubic, resizeLabels } from '../explain/xrai/resize.ts';
import { compare } from './compare.ts';
import type { Kind } from './kinds.ts';
import { fromCounts, toCounts, toRuns } from './run-counts.ts';

const RESIZE_TOLERANCE = 1e-7;

const numbers = z.array(z.number());
const table = z.array(numbers);
const size = z.tuple([z.number(), z.number()]);

export const picture = z.union([table, z.array(table)]);

const segmentationFile = z.object({
  cases: z
    .array(
      z.object({
        id: z.string(),
        image: picture,
        results: z.array(
          z.object({
            scale: z.number(),
            sigma: z.number(),
            min_size: z.number(),
            segments: z.number(),
            labels_row_major_value_count: numbers,
          }),
        ),
      }),
    )
    .min(1),
  dilation: z
    .array(z.object({ id: z.string(), radius: z.number(), mask: numbers, shape: size, result: numbers }))
    .min(1),
  resize: z
    .array(
      z.object({
        id: z.string(),
        source: table,
        shape: size,
        order3_constant_antialias: table.optional(),
        order0: table.optional(),
      }),
    )
    .min(1),
});

/** Segments of small pictures, and what is done with them on the way to XRAI. */
export const segmentation: Kind = {
  format: 'segmentation-cases-1',
  *check(file) {
    const parsed = segmentationFile.safeParse(file);
    if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
    const { cases, dilation, resize } = parsed.data;
    for (const { id, image, results } of cases) {
      const settings = results.map(({ scale, sigma, min_size }) => ({ scale, sigma, minSize: min_size }));
      for (const [i, labels] of segmentByGraph(planeOf(image), settings).entries()) {
        const { scale, segments, labels_row_major_value_count } = results[i];
        const found = { segments: Math.max(...labels) + 1, labels: toRuns(labels) };
        yield compare(`${id} scale ${scale}`, { segments, labels: labels_row_major_value_count }, found, 0);
      }
    }
    for (const { id, radius, mask, shape, result } of dilation) {
      const [height, width] = shape;
      yield compare(id, result, toCounts(dilate(fromCounts(mask, width * height), width, height, radius)), 0);
    }
    for (const { id, source, shape, order3_constant_antialias: cubic, order0 } of resize) {
      const [height, width] = shape;
      const plane = planeOf(source);
      if (cubic) {
        const { values } = resizeCubic(plane, { width, height });
        yield compare(`resize ${id}`, cubic.flat(), [...values], RESIZE_TOLERANCE);
      }
      if (order0) {
        const labels = Int32Array.from(plane.values);
        yield compare(`resize ${id}`, order0.flat(), [...resizeLabels(labels, plane, { width, height })], 0);
      }
    }
  },
};

/** Rows of grey values, or of pixels with a value for each channel. */
export function planeOf(rows: z.infer<typeof picture>): Plane {
  const [[first]] = rows;
  const channels = Array.isArray(first) ? first.length : 1;
  return { width: rows[0].length, height: rows.length, channels, values: Float64Array.from(rows.flat(2)) };
}
