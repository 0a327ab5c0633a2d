// Judging answers needs no engine: a process that only evaluates a served model imports this and never loads libtorch.
export { classificationMetrics } from './classification-metrics.ts';
export { type CocoEvaluation, type CocoOptions, evaluateCoco } from './detection/coco-evaluation.ts';
export type { CocoMatches } from './detection/coco-matching.ts';
export {
  type CategorySummary,
  type CocoSummary,
  meanPrecision,
  meanRecall,
  summarizeCategory,
  summarizeCoco,
} from './detection/coco-summary.ts';
export { AREA_RANGES, IOU_THRESHOLDS, RECALL_THRESHOLDS } from './detection/coco-thresholds.ts';
export { detectionConfusion } from './detection/detection-confusion.ts';
export { DetectionLog, type FoundObjects, type ImageObjects, type TrueObjects } from './detection/detection-log.ts';
export {
  type DetectionMetricOptions,
  type DetectionMetrics,
  detectionMetrics,
  type LabelMetrics,
  type ValidationMetricType,
} from './detection/detection-metrics.ts';
export type { DetectionRecords, Detections, OverlapKind, Truths } from './detection/detection-records.ts';
export {
  BACKGROUND,
  type DetectionTables,
  detectionTables,
  type PerLabelMetrics,
} from './detection/detection-tables.ts';
export {
  averagePrecision11Points,
  averagePrecisionAllPoints,
  evaluateVoc,
  type PrecisionRecall,
  precisionRecall,
  type VocCategory,
  type VocOptions,
} from './detection/voc-evaluation.ts';
export { classificationTables, multilabelTables } from './evaluation-tables.ts';
export { LABEL_THRESHOLD, multilabelMetrics } from './multilabel-metrics.ts';
export type { ClassPredictions, LabelPredictions, MetricValues } from './predictions.ts';
export type { ClassificationReport, EvaluationTables } from './table-schema.ts';
