import { maskFromText, polygonsMask, type RunLengths, runLengths } from '@fovea/data/masks';
import { z } from 'zod';
import { type CocoEvaluation, evaluateCoco } from '../metrics/detection/coco-evaluation.ts';
import { meanPrecision, summarizeCategory, summarizeCoco } from '../metrics/detection/coco-summary.ts';
import { AREA_RANGES, IOU_THRESHOLDS, RECALL_THRESHOLDS } from '../metrics/detection/coco-thresholds.ts';
import type { DetectionRecords, OverlapKind } from '../metrics/detection/detection-records.ts';
import { compare } from './compare.ts';
import type { Kind } from './kinds.ts';
import { type Figures, figures, readCases } from './read-cases.ts';

const TOLERANCE = 1e-7;

const numbers = z.array(z.number());
const segmentation = z.union([
  z.array(numbers).min(1),
  z.object({ size: z.tuple([z.number(), z.number()]), counts: z.union([z.string(), numbers]) }),
]);

const expectedOfKind = z
  .object({
    maxDets: numbers,
    matches_area_all: z
      .array(
        z
          .object({
            image_id: z.number(),
            category_id: z.number(),
            dtIds: numbers,
            dtMatch_iou50: numbers,
          })
          .catchall(figures),
      )
      .optional(),
  })
  .catchall(figures);

const cocoCase = z.object({
  id: z.string(),
  truth: z.object({
    images: z.array(z.object({ id: z.number(), width: z.number(), height: z.number() })).min(1),
    annotations: z.array(
      z.object({
        id: z.number(),
        image_id: z.number(),
        category_id: z.number(),
        bbox: numbers.length(4),
        area: z.number(),
        iscrowd: z.number(),
        segmentation,
      }),
    ),
    categories: z.array(z.object({ id: z.number() })).min(1),
  }),
  detections: z.array(
    z.object({
      id: z.number(),
      image_id: z.number(),
      category_id: z.number(),
      bbox: numbers.length(4),
      score: z.number(),
      mask_string: z.string(),
    }),
  ),
  expected: z.partialRecord(z.enum(['bbox', 'segm']), expectedOfKind),
  extra_maxdets: z.partialRecord(z.enum(['bbox', 'segm']), expectedOfKind).optional(),
});

type CocoCase = z.infer<typeof cocoCase>;
type ExpectedOfKind = z.infer<typeof expectedOfKind>;

/** COCO's evaluation of boxes and masks. */
export const cocoDetection: Kind = {
  format: 'coco-cases-1',
  *check(file) {
    for (const each of readCases(file, cocoCase)) {
      const ids = sortedIds(each);
      const one = ofCategories(each, ids.categories);
      const records = recordsOf(one, ids);
      for (const [part, byKind] of Object.entries({ '': one.expected, ' extra': one.extra_maxdets ?? {} })) {
        for (const [kind, expected] of Object.entries(byKind)) {
          yield* checkKind(`${one.id}${part} ${kind}`, expected, { one, ids, records, kind: kind as OverlapKind });
        }
      }
    }
  },
};

interface Ids {
  images: number[];
  categories: number[];
}

/** The evaluation goes by rising ids. */
function sortedIds({ truth }: CocoCase): Ids {
  const sorted = (list: readonly { id: number }[]) => list.map(({ id }) => id).sort((a, b) => a - b);
  return { images: sorted(truth.images), categories: sorted(truth.categories) };
}

/** What is of other categories is not evaluated. */
function ofCategories({ truth, detections, ...rest }: CocoCase, categories: readonly number[]): CocoCase {
  const isOne = ({ category_id }: { category_id: number }): boolean => categories.includes(category_id);
  return {
    ...rest,
    truth: { ...truth, annotations: truth.annotations.filter(isOne) },
    detections: detections.filter(isOne),
  };
}

function recordsOf({ truth, detections }: CocoCase, { images, categories }: Ids): DetectionRecords {
  const sizes = new Map(truth.images.map((image) => [image.id, image]));
  const sizeOf = (id: number): [number, number] => {
    const image = sizes.get(id);
    if (!image) throw new Error(`there is no image ${id}`);
    return [image.height, image.width];
  };
  const places = (list: readonly { image_id: number; category_id: number; bbox: number[] }[]) => ({
    image: list.map(({ image_id }) => images.indexOf(image_id)),
    category: list.map(({ category_id }) => categories.indexOf(category_id)),
    box: list.flatMap(({ bbox }) => bbox),
  });
  return {
    images: images.length,
    categories: categories.length,
    truths: {
      ...places(truth.annotations),
      area: truth.annotations.map(({ area }) => area),
      crowd: truth.annotations.map(({ iscrowd }) => iscrowd),
      masks: truth.annotations.map(({ segmentation, image_id }) => truthMask(segmentation, sizeOf(image_id))),
    },
    detections: {
      ...places(detections),
      score: detections.map(({ score }) => score),
      masks: detections.map(({ mask_string, image_id }) => maskFromText(mask_string, ...sizeOf(image_id))),
    },
  };
}

function truthMask(
  segmentation: z.infer<typeof cocoCase>['truth']['annotations'][number]['segmentation'],
  size: [number, number],
): RunLengths {
  if (Array.isArray(segmentation)) return polygonsMask(segmentation, ...size);
  const { counts } = segmentation;
  return typeof counts === 'string'
    ? maskFromText(counts, ...segmentation.size)
    : runLengths(counts, ...segmentation.size);
}

interface Subject {
  one: CocoCase;
  ids: Ids;
  records: DetectionRecords;
  kind: OverlapKind;
}

function* checkKind(name: string, { matches_area_all, ...expected }: ExpectedOfKind, subject: Subject) {
  const { ids, records, kind } = subject;
  const evaluation = evaluateCoco(records, {
    kind,
    maxDetections: expected.maxDets,
    keepMatches: matches_area_all !== undefined,
  });
  const found = arrays(evaluation, ids);
  for (const [part, figure] of Object.entries(expected)) {
    if (part === 'summary') yield compare(`${name} summary`, figure, summary(evaluation), TOLERANCE);
    else
      yield compare(
        `${name} ${part}`,
        { [part]: figure },
        found,
        part === 'maxDets' || part === 'category_ids' ? 0 : TOLERANCE,
      );
  }
  if (matches_area_all) {
    const pairs = matches_area_all.map(({ image_id, category_id }) =>
      matchesOf(evaluation, subject, image_id, category_id),
    );
    yield compare(`${name} matches`, matches_area_all as unknown as Figures, pairs, 0);
  }
}

/** −1 is how these files write what is undefined. */
const written = (values: Record<string, number | null>): Record<string, number> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value ?? -1]));

const summary = (evaluation: CocoEvaluation): Figures => written({ ...summarizeCoco(evaluation) });

function arrays(evaluation: CocoEvaluation, { categories }: Ids): Record<string, Figures> {
  const { maxDetections, recall, precision, scores } = evaluation;
  const most = maxDetections.length;
  const last = (threshold: number, r: number, k: number): number =>
    (((threshold * RECALL_THRESHOLDS.length + r) * categories.length + k) * AREA_RANGES.length + 1) * most - 1;
  const byCategory = <Value extends Figures>(value: (k: number) => Value): Record<string, Value> =>
    Object.fromEntries(categories.map((id, k) => [String(id), value(k)]));
  return {
    maxDets: maxDetections,
    category_ids: categories,
    per_category: byCategory((k) => written({ ...summarizeCategory(evaluation, k) })),
    AP_by_iou_category_area: IOU_THRESHOLDS.map((threshold) =>
      categories.map((_, category) =>
        AREA_RANGES.map(({ name }) => meanPrecision(evaluation, { threshold, category, area: name }) ?? -1),
      ),
    ),
    recall_iou_category_area_maxdet: IOU_THRESHOLDS.map((_, threshold) =>
      categories.map((_, k) =>
        AREA_RANGES.map((_, range) =>
          maxDetections.map(
            (_, m) => recall[((threshold * categories.length + k) * AREA_RANGES.length + range) * most + m],
          ),
        ),
      ),
    ),
    precision_all_maxdet_last: byCategory((k) =>
      Object.fromEntries(
        IOU_THRESHOLDS.map((threshold, t) => [
          threshold.toFixed(2),
          RECALL_THRESHOLDS.map((_, r) => precision[last(t, r, k)]),
        ]),
      ),
    ),
    scores_at_recall_iou50: byCategory((k) => RECALL_THRESHOLDS.map((_, r) => scores[last(0, r, k)])),
  };
}

/** The detections of an image and category by falling score, with what they were matched with: 0 for nothing. */
function matchesOf(
  { matches, maxDetections }: CocoEvaluation,
  { one, ids, records, kind }: Subject,
  imageId: number,
  categoryId: number,
): Figures {
  if (!matches) return null;
  const { truths, detections } = records;
  const image = ids.images.indexOf(imageId);
  const category = ids.categories.indexOf(categoryId);
  const placesIn = (list: { image: ArrayLike<number>; category: ArrayLike<number> }): number[] =>
    Array.from({ length: list.image.length }, (_, i) => i).filter(
      (i) => list.image[i] === image && list.category[i] === category,
    );
  const found = placesIn(detections)
    .filter((i) => matches.rank[i] < maxDetections[maxDetections.length - 1])
    .sort((a, b) => matches.rank[a] - matches.rank[b]);
  // Crowds stand last among the truths.
  const there = placesIn(truths).sort((a, b) => truths.crowd[a] - truths.crowd[b]);
  const at = (threshold: number, detection: number): number => threshold * detections.image.length + detection;
  const matchedId = (threshold: number) => (detection: number) => {
    const truth = matches.truth[at(threshold, detection)];
    return truth < 0 ? 0 : one.truth.annotations[truth].id;
  };
  return {
    image_id: imageId,
    category_id: categoryId,
    kind,
    dtIds: found.map((i) => one.detections[i].id),
    gtIds: there.map((i) => one.truth.annotations[i].id),
    dtScores: found.map((i) => detections.score[i]),
    gtIgnore: there.map((i) => truths.crowd[i]),
    ...Object.fromEntries(
      IOU_THRESHOLDS.flatMap((threshold, t) => [
        [`dtMatch_iou${Math.round(threshold * 100)}`, found.map(matchedId(t))],
        [`dtIgnore_iou${Math.round(threshold * 100)}`, found.map((i) => matches.ignored[at(t, i)])],
      ]),
    ),
  };
}
