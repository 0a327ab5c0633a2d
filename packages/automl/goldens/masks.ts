import {
  boxMask,
  decodeMask,
  encodeMask,
  maskArea,
  maskBox,
  maskFromText,
  maskOverlap,
  maskToText,
  mergeMasks,
  polygonMask,
  type RunLengths,
  runLengths,
} from '@fovea/data/masks';
import { z } from 'zod';
import { boxOverlap } from '../metrics/detection/overlap.ts';
import { compare } from './compare.ts';
import type { Kind } from './kinds.ts';
import type { Figures } from './read-cases.ts';

const OVERLAP_TOLERANCE = 1e-12;

const size = z.tuple([z.number(), z.number()]);
const numbers = z.array(z.number());
const mask = z.object({ counts: numbers, compressed: z.string(), area: z.number(), bbox: numbers.optional() });
const merged = z.object({ counts: numbers, compressed: z.string().optional(), area: z.number() }).loose();

const maskFile = z.object({
  polygons: z.array(mask.extend({ id: z.string(), size, polygon: numbers })).min(1),
  multi_polygons: z
    .array(z.object({ id: z.string(), size, polygons: z.array(numbers), union: merged, intersection: merged }))
    .min(1),
  mask_iou: z
    .array(
      z.object({
        id: z.string(),
        size,
        detections: z.array(z.string()),
        truths: z.array(z.string()),
        iscrowd: numbers,
        iou: z.array(numbers),
      }),
    )
    .min(1),
  box_iou: z
    .array(
      z.object({
        id: z.string(),
        detections: z.array(numbers),
        truths: z.array(numbers),
        iscrowd: numbers,
        iou: z.array(numbers),
      }),
    )
    .min(1),
  box_to_mask: z.array(mask.omit({ bbox: true }).extend({ bbox: numbers, size })).min(1),
  encode: z.array(mask.extend({ id: z.string(), size })).min(1),
});

/** Arithmetic of masks as run lengths. */
export const masks: Kind = {
  format: 'mask-cases-1',
  *check(file) {
    const parsed = maskFile.safeParse(file);
    if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
    const { polygons, multi_polygons, mask_iou, box_iou, box_to_mask, encode } = parsed.data;
    for (const { id, size, polygon, ...expected } of polygons) {
      const drawn = polygonMask(polygon, ...size);
      yield compare(`polygon ${id}`, expected as Figures, described(drawn), 0);
      yield compare(`text of ${id}`, [...drawn.counts], [...maskFromText(expected.compressed, ...size).counts], 0);
    }
    for (const { id, size, polygons, union, intersection } of multi_polygons) {
      const parts = polygons.map((corners) => polygonMask(corners, ...size));
      yield compare(`union of ${id}`, union as Figures, described(mergeMasks(parts)), 0);
      yield compare(`intersection of ${id}`, intersection as Figures, described(mergeMasks(parts, 'intersection')), 0);
    }
    for (const { id, size, detections, truths, iscrowd, iou } of mask_iou) {
      const there = truths.map((text) => maskFromText(text, ...size));
      const found = detections.map((text) => {
        const detection = maskFromText(text, ...size);
        return there.map((truth, t) => maskOverlap(detection, truth, iscrowd[t] === 1));
      });
      yield compare(id, iou, found, OVERLAP_TOLERANCE);
    }
    for (const { id, detections, truths, iscrowd, iou } of box_iou) {
      const [boxes, others] = [detections, truths].map((list) => Float64Array.from(list.flat()));
      const found = detections.map((_, d) => truths.map((_, t) => boxOverlap(boxes, d, others, t, iscrowd[t] === 1)));
      yield compare(id, iou, found, OVERLAP_TOLERANCE);
    }
    for (const [i, { bbox, size, ...expected }] of box_to_mask.entries()) {
      yield compare(`box ${i}`, expected, described(boxMask(bbox, ...size)), 0);
    }
    for (const { id, size, counts, ...expected } of encode) {
      const pixels = decodeMask(runLengths(counts, ...size));
      yield compare(`encode ${id}`, { counts, ...expected } as Figures, described(encodeMask(pixels, ...size)), 0);
      yield compare(`text of ${id}`, counts, [...maskFromText(expected.compressed, ...size).counts], 0);
    }
  },
};

const described = (mask: RunLengths): Record<string, Figures> => ({
  counts: [...mask.counts],
  compressed: maskToText(mask),
  area: maskArea(mask),
  bbox: maskBox(mask),
});
