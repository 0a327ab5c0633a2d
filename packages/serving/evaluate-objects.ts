import {
  DetectionLog,
  type DetectionMetrics,
  type DetectionTables,
  detectionMetrics,
  detectionTables,
  type MetricValues,
} from '@fovea/automl/metrics';
import { imageSize, type ObjectRecord, objectMask } from '@fovea/data';
import type { RunLengths } from '@fovea/data/masks';
import type { FoundObject } from './detector.ts';
import type { MaskModel, ObjectModel, PredictionFailure } from './load-model.ts';
import type { FoundMasks } from './mask-detector.ts';

/** How good a detector's answers on annotated images are. */
export interface ObjectEvaluation {
  /** Images that were judged. */
  images: number;
  /**
   * `mean_average_precision`, `precision` and `recall` as validation measures them (Pascal VOC, all points), and COCO's numbers as
   * `coco_AP` and so on; null where a metric is not defined for these images.
   */
  metrics: MetricValues;
  /** Each class at the overlap. */
  perLabel: NonNullable<DetectionMetrics['perLabel']>;
  /** The last row and column are the background. */
  confusionMatrix: DetectionTables['confusion_matrix']['data'];
  /** From this overlap on an object is found. */
  iouThreshold: number;
  /** Images that could not be read; they count nowhere. */
  failures: (PredictionFailure & { file: string })[];
}

/** Images between two calls of `onProgress`. */
const together = 16;

/** What was found in an image. */
type Judged = Pick<FoundMasks, 'boxes'> & Partial<FoundMasks>;

/** A detector, of which only what is judged is needed. */
type JudgedModel =
  | Pick<ObjectModel, 'labels' | 'predict' | 'iouThreshold'>
  | Pick<MaskModel, 'labels' | 'find' | 'iouThreshold'>;

/**
 * Runs a detector over annotated images and judges its answers, those above the score threshold of the model folder. Of a detector of
 * masks their overlap is judged with all of their pixels, as in validation; an answer's polygons have fewer points.
 *
 * @param records their labels are among those of the model
 * @param options.iouThreshold as in training (`validation_iou_threshold`) unless given
 * @throws RangeError when a record has another label, or when no image can be read
 */
export async function evaluateObjects(
  model: JudgedModel,
  records: readonly Pick<ObjectRecord, 'file' | 'objects' | 'width' | 'height'>[],
  {
    iouThreshold = model.iouThreshold,
    onProgress,
    signal,
  }: { iouThreshold?: number; onProgress?: (done: number, total: number) => void; signal?: AbortSignal } = {},
): Promise<ObjectEvaluation> {
  const kind = 'find' in model ? 'segm' : 'bbox';
  const log = new DetectionLog(model.labels.length);
  const failures: ObjectEvaluation['failures'] = [];
  const indexOf = indicesOf(model.labels);
  for (let start = 0; start < records.length; start += together) {
    const some = records.slice(start, start + together);
    const files = some.map(({ file }) => file);
    const answers = await ('find' in model ? model.find(files, { signal }) : model.predict(files, { signal }));
    for (const [i, answer] of answers.entries()) {
      const record = some[i];
      if ('error' in answer) {
        failures.push({ file: record.file, error: answer.error });
        continue;
      }
      const size = record.width > 0 && record.height > 0 ? record : await imageSize({ file: record.file });
      const { boxes, masks }: Judged = answer;
      const found = { ...foundOf(boxes, size, indexOf), ...(masks && { masks }) };
      log.addImage(truthOf(record, size, indexOf, kind), found);
    }
    onProgress?.(start + some.length, records.length);
  }
  const images = records.length - failures.length;
  if (images === 0) throw new RangeError('there is no image that can be read, so there is nothing to judge');
  const all = log.records();
  const { metrics, perLabel, coco } = detectionMetrics(all, model.labels, { type: 'coco_voc', kind, iouThreshold });
  return {
    images,
    metrics: {
      ...metrics,
      ...Object.fromEntries(Object.entries(coco ?? {}).map(([name, value]) => [`coco_${name}`, value])),
    },
    perLabel: perLabel ?? [],
    confusionMatrix: detectionTables(all, model.labels, { kind, iouThreshold }).confusion_matrix.data,
    iouThreshold,
    failures,
  };
}

type IndexOf = (label: string) => number;

function indicesOf(labels: readonly string[]): IndexOf {
  const indices = new Map(labels.map((label, index) => [label, index]));
  return (label) => {
    const index = indices.get(label);
    if (index === undefined) throw new RangeError(`"${label}" is not a label of the model`);
    return index;
  };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

const truthOf = (
  { objects }: Pick<ObjectRecord, 'objects'>,
  { width, height }: Size,
  indexOf: IndexOf,
  kind: 'bbox' | 'segm',
) => ({
  boxes: objects.flatMap(({ box: [x1, y1, x2, y2] }) => [x1 * width, y1 * height, x2 * width, y2 * height]),
  labels: objects.map(({ label }) => indexOf(label)),
  crowd: objects.map(({ crowd }) => Number(crowd)),
  ...(kind === 'segm' && { masks: objects.map((object): RunLengths => objectMask(object, { width, height })) }),
});

const foundOf = (found: readonly FoundObject[], { width, height }: Size, indexOf: IndexOf) => ({
  boxes: found.flatMap(({ box: { topX, topY, bottomX, bottomY } }) => [
    topX * width,
    topY * height,
    bottomX * width,
    bottomY * height,
  ]),
  labels: found.map(({ label }) => indexOf(label)),
  scores: found.map(({ score }) => score),
});
