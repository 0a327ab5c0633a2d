// Judging answers needs no engine: a process that only evaluates a served model imports this and never loads libtorch.
export { classificationMetrics } from './classification-metrics.ts';
export { classificationTables, multilabelTables } from './evaluation-tables.ts';
export { LABEL_THRESHOLD, multilabelMetrics } from './multilabel-metrics.ts';
export type { ClassPredictions, LabelPredictions, MetricValues } from './predictions.ts';
export type { ClassificationReport, EvaluationTables } from './table-schema.ts';
