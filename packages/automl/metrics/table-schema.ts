import type { CalibrationBin } from './calibration.ts';

/** The form in which Azure keeps tables: a name for what is in `data`, and its version. */
export interface Table<Data> {
  schema_type: string;
  schema_version: string;
  data: Data;
}

/** [i][j]: images of class i that were taken for class j. */
export interface ConfusionMatrix {
  class_labels: readonly string[];
  matrix: number[][];
}

/** Images may have several labels, so each label has a matrix of its own. */
export interface LabelConfusionMatrices {
  class_labels: readonly string[];
  /** What stands where in each matrix. */
  cells: [['TN', 'FP'], ['FN', 'TP']];
  matrices: [[number, number], [number, number]][];
}

/** Decisions of each class against all others, as curves of any kind can be drawn from. */
export interface AccuracyTable {
  class_labels: readonly string[];
  /** [class][threshold] → [TP, FP, TN, FN] when a score of at least the threshold means yes. */
  probability_tables: number[][][];
  percentile_tables: number[][][];
  /** Evenly over 0..1. */
  probability_thresholds: number[];
  /** Evenly over the ordered scores of all classes. */
  percentile_thresholds: number[];
}

/** One row per class, then one per average. */
export interface ClassificationReport {
  class_labels: readonly string[];
  average: readonly ['micro avg', 'macro avg', 'weighted avg'];
  columns: readonly ['precision', 'recall', 'f1-score', 'support', 'AUC', 'average_precision'];
  /** [class or average][column]; null where undefined. */
  matrix: (number | null)[][];
}

/** Curves have at most `max_points` points each, chosen along the curve at even distances; all of them lie on the full curve. */
interface Thinned {
  max_points: number;
}

/** A class that is always or never true has no curve. `micro`: all decisions together. */
export interface RocCurves extends Thinned {
  class_labels: readonly string[];
  curves: (RocPoints | null)[];
  micro: RocPoints | null;
}

/** From the highest threshold down; the first point lies above every score: threshold null. */
export interface RocPoints {
  fpr: number[];
  tpr: number[];
  thresholds: (number | null)[];
}

/** A class that is never true has no curve. `micro`: all decisions together. */
export interface PrecisionRecallCurves extends Thinned {
  class_labels: readonly string[];
  curves: (PrecisionRecallPoints | null)[];
  micro: PrecisionRecallPoints | null;
}

/** From the lowest threshold up; the last point lies above every score: threshold null. */
export interface PrecisionRecallPoints {
  precision: number[];
  recall: number[];
  thresholds: (number | null)[];
}

/** Positives among the images with the highest scores / all positives. */
export interface CumulativeGains {
  class_labels: readonly string[];
  /** Share of the images looked at, in percent. */
  percent: readonly number[];
  /** The same in images, rounded up. */
  images: number[];
  /** [class][cut]; null for a class that is never true. */
  gains: (number[] | null)[];
}

/** Precision among the images with the highest scores / share of positives in all. */
export interface Lift {
  class_labels: readonly string[];
  percent: readonly number[];
  images: number[];
  /** [class][cut]; null for a class that is never true. */
  lifts: (number[] | null)[];
}

/** How often a class is true where its score is so high. */
export interface Calibration {
  class_labels: readonly string[];
  /** Equal parts of 0..1; a score on an edge belongs to the lower one. */
  bins: CalibrationBin[][];
  /** Of the confidence in the predicted class, 15 bins; null with several labels an image. */
  expected_calibration_error: number | null;
}

/** What is written for the best epoch, each table as a file of its name. */
export type EvaluationTables = {
  confusion_matrix: Table<ConfusionMatrix> | Table<LabelConfusionMatrices>;
  accuracy_table: Table<AccuracyTable>;
  classification_report: Table<ClassificationReport>;
  roc_curve: Table<RocCurves>;
  precision_recall_curve: Table<PrecisionRecallCurves>;
  cumulative_gains: Table<CumulativeGains>;
  lift: Table<Lift>;
  calibration: Table<Calibration>;
};
