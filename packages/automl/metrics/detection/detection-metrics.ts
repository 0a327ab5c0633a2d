import type { MetricValues } from '../predictions.ts';
import { meanOfDefined } from '../score-metrics.ts';
import { evaluateCoco } from './coco-evaluation.ts';
import { type CocoSummary, summarizeCoco } from './coco-summary.ts';
import { checkRecords, type DetectionRecords, type Detections, type OverlapKind } from './detection-records.ts';
import { averagePrecisionAllPoints, evaluateVoc, type VocCategory } from './voc-evaluation.ts';

/** Which metrics a validation computes (`validation_metric_type`). */
export type ValidationMetricType = 'none' | 'coco' | 'voc' | 'coco_voc';

export interface DetectionMetricOptions {
  /** `voc` unless said otherwise. */
  type?: ValidationMetricType;
  /** Boxes unless said otherwise. */
  kind?: OverlapKind;
  /** From this overlap on an object is found (`validation_iou_threshold`); 0.5 unless said otherwise. COCO has its own. */
  iouThreshold?: number;
  /** Only detections with a higher score are looked at (`box_score_threshold`); all unless given. */
  scoreThreshold?: number;
}

/** Of one class. */
export interface LabelMetrics {
  label: string;
  /** Under the precision–recall curve; null where there is no object of the class. */
  averagePrecision: number | null;
  /** Of all detections looked at; 0 where there are none. */
  precision: number;
  /** null where there is no object of the class. */
  recall: number | null;
  /** Objects of the class. */
  objects: number;
  detections: number;
}

export interface DetectionMetrics {
  /**
   * What a validation logs: `mean_average_precision`, and unless the type is `coco` also `precision` and `recall`. Nothing with `none`.
   * Classes without objects are left out of all means; null where that are all classes.
   */
  metrics: MetricValues;
  /** Unless the type is `coco`. */
  perLabel: LabelMetrics[] | null;
  /** The twelve numbers, with `coco` and `coco_voc`. */
  coco: CocoSummary | null;
}

/**
 * Metrics of a model that finds objects. `mean_average_precision` is that of Pascal VOC at the given overlap, all points of the curve
 * counted; with `coco` it is COCO's at an overlap of 0.5. Regions of many things count neither as found nor as missed, and detections
 * on them neither as right nor as wrong.
 *
 * @param classes names in the order of their indices
 * @throws RangeError when the records do not fit each other
 */
export function detectionMetrics(
  records: DetectionRecords,
  classes: readonly string[],
  options: DetectionMetricOptions = {},
): DetectionMetrics {
  const { type = 'voc', kind = 'bbox', iouThreshold, scoreThreshold } = options;
  if (classes.length !== records.categories) {
    throw new RangeError(`there are ${classes.length} names for ${records.categories} classes`);
  }
  if (type === 'none') return { metrics: {}, perLabel: null, coco: null };
  checkRecords(records, kind);
  const looked = scoreThreshold === undefined ? records : withScoresAbove(records, scoreThreshold);
  const coco = type === 'voc' ? null : summarizeCoco(evaluateCoco(looked, { kind }));
  if (type === 'coco') return { metrics: { mean_average_precision: coco?.AP50 ?? null }, perLabel: null, coco };
  const perLabel = labelMetrics(evaluateVoc(looked, { kind, iouThreshold }), classes);
  const withObjects = perLabel.filter(({ objects }) => objects > 0);
  return {
    metrics: {
      mean_average_precision: meanOfDefined(perLabel.map(({ averagePrecision }) => averagePrecision)),
      precision: meanOfDefined(withObjects.map(({ precision }) => precision)),
      recall: meanOfDefined(withObjects.map(({ recall }) => recall)),
    },
    perLabel,
    coco,
  };
}

/** What of an evaluation stands in the table of classes. */
export const labelMetrics = (found: readonly VocCategory[], classes: readonly string[]): LabelMetrics[] =>
  found.map((category, i) => {
    const { positives, order, truePositives, falsePositives } = category;
    const [right, wrong] = [truePositives, falsePositives].map((flags) => flags.reduce((sum, flag) => sum + flag, 0));
    return {
      label: classes[i],
      averagePrecision: averagePrecisionAllPoints(category),
      precision: right + wrong === 0 ? 0 : right / (right + wrong),
      recall: positives === 0 ? null : right / positives,
      objects: positives,
      detections: order.length,
    };
  });

/** The records without detections of this score or a lower one. */
export function withScoresAbove(records: DetectionRecords, threshold: number): DetectionRecords {
  const { image, category, score, box, masks } = records.detections;
  const kept: number[] = [];
  for (let i = 0; i < score.length; i++) if (score[i] > threshold) kept.push(i);
  const detections: Detections = {
    image: kept.map((i) => image[i]),
    category: kept.map((i) => category[i]),
    score: kept.map((i) => score[i]),
    box: kept.flatMap((i) => [box[4 * i], box[4 * i + 1], box[4 * i + 2], box[4 * i + 3]]),
    ...(masks && masks.length === score.length && { masks: kept.map((i) => masks[i]) }),
  };
  return { ...records, detections };
}
