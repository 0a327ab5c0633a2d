import { z } from 'zod';
import type { DetectionRecords } from '../metrics/detection/detection-records.ts';
import {
  averagePrecision11Points,
  averagePrecisionAllPoints,
  evaluateVoc,
  precisionRecall,
  type VocCategory,
  type VocOptions,
} from '../metrics/detection/voc-evaluation.ts';
import { meanOfDefined } from '../metrics/score-metrics.ts';
import { compare } from './compare.ts';
import type { Kind } from './kinds.ts';
import { type Figures, figures, readCases } from './read-cases.ts';

const TOLERANCE = 1e-9;

const object = z.object({ image_id: z.number(), category_id: z.number(), bbox: z.array(z.number()).length(4) });

const vocCase = z.object({
  id: z.string(),
  categories: z.array(z.number()).min(1),
  truth: z.array(object.extend({ difficult: z.number() })),
  detections: z.array(object.extend({ score: z.number() })),
  expected: z.record(
    z.string().regex(/^iou\d\d_(plus1|continuous)$/),
    z.object({ per_category: z.record(z.string(), figures) }).catchall(figures),
  ),
});

type VocCase = z.infer<typeof vocCase>;

/** Pascal VOC's evaluation of boxes at one overlap. */
export const vocDetection: Kind = {
  format: 'voc-cases-1',
  *check(file) {
    for (const one of readCases(file, vocCase)) {
      const records = recordsOf(one);
      for (const [key, { per_category, ...means }] of Object.entries(one.expected)) {
        const found = evaluateVoc(records, optionsOf(key));
        const categories = Object.fromEntries(one.categories.map((id, i) => [String(id), figuresOf(found[i])]));
        for (const [id, expected] of Object.entries(per_category)) {
          yield compare(`${one.id} ${key} category ${id}`, expected, categories[id] ?? null, TOLERANCE);
        }
        yield compare(`${one.id} ${key} mean`, means, meansOf(found), TOLERANCE);
      }
    }
  },
};

/** @param key as "iou50_plus1" */
function optionsOf(key: string): VocOptions {
  const [, percent, convention] = /^iou(\d\d)_(.*)$/.exec(key) ?? [];
  return { iouThreshold: Number(percent) / 100, convention: convention as VocOptions['convention'] };
}

function recordsOf({ categories, truth, detections }: VocCase): DetectionRecords {
  const images = [...new Set([...truth, ...detections].map(({ image_id }) => image_id))].sort((a, b) => a - b);
  const places = (list: readonly z.infer<typeof object>[]) => ({
    image: list.map(({ image_id }) => images.indexOf(image_id)),
    category: list.map(({ category_id }) => categories.indexOf(category_id)),
    box: list.flatMap(({ bbox }) => bbox),
  });
  return {
    images: images.length,
    categories: categories.length,
    truths: {
      ...places(truth),
      area: truth.map(({ bbox }) => bbox[2] * bbox[3]),
      crowd: truth.map(({ difficult }) => difficult),
    },
    detections: { ...places(detections), score: detections.map(({ score }) => score) },
  };
}

function figuresOf(category: VocCategory): Record<string, Figures> {
  const { precision, recall } = precisionRecall(category);
  const last = precision.length - 1;
  const orNull = (value: number | undefined): number | null => (Number.isFinite(value) ? (value ?? null) : null);
  return {
    positives: category.positives,
    detections: category.order.length,
    AP_11_point: averagePrecision11Points(category),
    AP_all_point: averagePrecisionAllPoints(category),
    final_precision: orNull(precision[last]),
    final_recall: orNull(recall[last]),
    scores: [...category.scores],
    tp: [...category.truePositives],
    fp: [...category.falsePositives],
    precision: [...precision],
    recall: Array.from(recall, orNull),
  };
}

const meansOf = (found: readonly VocCategory[]): Record<string, Figures> => ({
  mAP_11_point: meanOfDefined(found.map(averagePrecision11Points)),
  mAP_all_point: meanOfDefined(found.map(averagePrecisionAllPoints)),
});
