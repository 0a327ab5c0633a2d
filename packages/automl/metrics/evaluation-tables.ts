import { type CalibrationBin, calibration, calibrationError } from './calibration.ts';
import { confusionMatrix } from './classification-metrics.ts';
import { maxPoints, quantile, thinnedForPrecisionRecall, thinnedForRoc } from './curve-points.ts';
import {
  averagedScores,
  classCounts,
  f1,
  type LabelCounts,
  occurring,
  precision,
  recall,
  support,
} from './label-counts.ts';
import { decide, LABEL_THRESHOLD, labelCounts } from './multilabel-metrics.ts';
import {
  type ClassPredictions,
  classScores,
  type LabelPredictions,
  labelScores,
  type MetricValues,
  type ScoreMatrix,
} from './predictions.ts';
import { cumulativeGains, decisionsAt, precisionRecallCurve, rocCurve } from './ranking-curves.ts';
import { averagedRankingScores, type RankingScores } from './score-metrics.ts';
import { areaUnderRoc, averagePrecision, rankAll, rankColumn, type ScoreRanking } from './score-ranking.ts';
import type {
  ClassificationReport,
  EvaluationTables,
  LabelConfusionMatrices,
  PrecisionRecallPoints,
  RocPoints,
  Table,
} from './table-schema.ts';

/** As many thresholds of each kind as Azure's accuracy tables have. */
const ACCURACY_TABLE_POINTS = 100;

const PERCENTS = Array.from({ length: 100 }, (_, i) => i + 1);

/**
 * What is written for the best epoch of a model that chooses one class: each table under its name. Curves and cuts are bounded, so a
 * thousand classes make a few megabytes a file.
 *
 * @throws RangeError when the parts do not fit each other or a probability is not finite
 */
export function classificationTables(predictions: ClassPredictions): EvaluationTables {
  const scores = classScores(predictions);
  const matrix = confusionMatrix(predictions);
  const counts = classCounts(matrix);
  return {
    confusion_matrix: table('confusion_matrix', { class_labels: predictions.classes, matrix }),
    ...scoreTables(scores, predictions.classes, {
      counts,
      averages: averagedScores(occurring(counts)),
      calibrationError: calibrationError(predictions),
    }),
  };
}

/**
 * The same for a model that answers yes or no for each label.
 *
 * @param threshold a label is predicted when its score is at least this
 * @throws RangeError when the parts do not fit each other or a score is not finite
 */
export function multilabelTables(predictions: LabelPredictions, threshold: number = LABEL_THRESHOLD): EvaluationTables {
  const scores = labelScores(predictions);
  const counts = labelCounts(
    predictions.truth,
    decide(predictions.scores, (score) => score >= threshold),
  );
  return {
    confusion_matrix: table('multilabel_confusion_matrix', labelMatrices(predictions.labels, counts)),
    ...scoreTables(scores, predictions.labels, { counts, averages: averagedScores(counts), calibrationError: null }),
  };
}

function labelMatrices(labels: readonly string[], counts: readonly LabelCounts[]): LabelConfusionMatrices {
  return {
    class_labels: labels,
    cells: [
      ['TN', 'FP'],
      ['FN', 'TP'],
    ],
    matrices: counts.map(({ tn, fp, fn, tp }) => [
      [tn, fp],
      [fn, tp],
    ]),
  };
}

interface Decided {
  counts: readonly LabelCounts[];
  averages: MetricValues;
  calibrationError: number | null;
}

/** Everything beside the confusion matrix. Labels are taken one after another, so that only one ranking is held at a time. */
function scoreTables(
  scores: ScoreMatrix,
  labels: readonly string[],
  decided: Decided,
): Omit<EvaluationTables, 'confusion_matrix'> {
  const most = maxPoints(scores.columns);
  const all = rankAll(scores);
  const shares = Array.from({ length: ACCURACY_TABLE_POINTS }, (_, i) => i / (ACCURACY_TABLE_POINTS - 1));
  const percentileThresholds = shares.map((share) => quantile(all, share));
  const ranked: RankingScores = {
    support: [],
    auc: [],
    aucMicro: areaUnderRoc(all),
    averagePrecision: [],
    averagePrecisionMicro: averagePrecision(all),
  };
  const roc: (RocPoints | null)[] = [];
  const pr: (PrecisionRecallPoints | null)[] = [];
  const gains: (number[] | null)[] = [];
  const lifts: (number[] | null)[] = [];
  const bins: CalibrationBin[][] = [];
  const probabilityTables: number[][][] = [];
  const percentileTables: number[][][] = [];
  for (let column = 0; column < scores.columns; column++) {
    const ranking = rankColumn(scores, column);
    ranked.support.push(ranking.positives);
    ranked.auc.push(areaUnderRoc(ranking));
    ranked.averagePrecision.push(averagePrecision(ranking));
    roc.push(rocPoints(ranking, most));
    pr.push(precisionRecallPoints(ranking, most));
    const found = cumulativeGains(ranking, scores, column, PERCENTS);
    gains.push(found?.map(({ cumulative_gain }) => rounded(cumulative_gain)) ?? null);
    lifts.push(found?.map(({ lift }) => rounded(lift)) ?? null);
    bins.push(calibration(scores, column).map(roundedBin));
    probabilityTables.push(decisionsAt(ranking, shares));
    percentileTables.push(decisionsAt(ranking, percentileThresholds));
  }
  const cuts = {
    percent: PERCENTS,
    images: PERCENTS.map((percent) => Math.ceil((scores.rows.length * percent) / 100)),
  };
  return {
    accuracy_table: table(
      'accuracy_table',
      {
        class_labels: labels,
        probability_tables: probabilityTables,
        percentile_tables: percentileTables,
        probability_thresholds: shares,
        percentile_thresholds: percentileThresholds,
      },
      '1.0.1',
    ),
    classification_report: table('classification_report', report(labels, decided, ranked)),
    roc_curve: table('roc_curve', {
      class_labels: labels,
      max_points: most,
      curves: roc,
      micro: rocPoints(all, most),
    }),
    precision_recall_curve: table('precision_recall_curve', {
      class_labels: labels,
      max_points: most,
      curves: pr,
      micro: precisionRecallPoints(all, most),
    }),
    cumulative_gains: table('cumulative_gains', { class_labels: labels, ...cuts, gains }),
    lift: table('lift', { class_labels: labels, ...cuts, lifts }),
    calibration: table('calibration', {
      class_labels: labels,
      bins,
      expected_calibration_error: decided.calibrationError,
    }),
  };
}

const table = <Data>(schema_type: string, data: Data, schema_version = '1.0.0'): Table<Data> => ({
  schema_type,
  schema_version,
  data,
});

function report(labels: readonly string[], { counts, averages }: Decided, ranked: RankingScores): ClassificationReport {
  const all: MetricValues = { ...averages, ...averagedRankingScores(ranked) };
  const images = ranked.support.reduce((sum, count) => sum + count, 0);
  return {
    class_labels: labels,
    average: ['micro avg', 'macro avg', 'weighted avg'],
    columns: ['precision', 'recall', 'f1-score', 'support', 'AUC', 'average_precision'],
    matrix: [
      ...counts.map((label, i) => [
        precision(label),
        recall(label),
        f1(label),
        support(label),
        ranked.auc[i],
        ranked.averagePrecision[i],
      ]),
      ...['micro', 'macro', 'weighted'].map((average) => [
        all[`precision_score_${average}`],
        all[`recall_score_${average}`],
        all[`f1_score_${average}`],
        images,
        all[`AUC_${average}`],
        all[`average_precision_score_${average}`],
      ]),
    ],
  };
}

function rocPoints(ranking: ScoreRanking, most: number): RocPoints | null {
  const curve = rocCurve(thinnedForRoc(ranking, most - 1));
  return (
    curve && { fpr: curve.fpr.map(rounded), tpr: curve.tpr.map(rounded), thresholds: curve.thresholds.map(rounded) }
  );
}

function precisionRecallPoints(ranking: ScoreRanking, most: number): PrecisionRecallPoints | null {
  const curve = precisionRecallCurve(thinnedForPrecisionRecall(ranking, most - 1));
  return (
    curve && {
      precision: curve.precision.map(rounded),
      recall: curve.recall.map(rounded),
      thresholds: curve.thresholds.map(rounded),
    }
  );
}

const roundedBin = (bin: CalibrationBin): CalibrationBin => ({
  ...bin,
  mean_predicted: rounded(bin.mean_predicted),
  fraction_positive: rounded(bin.fraction_positive),
});

/** Nine digits: more would be noise of the arithmetic, at twice the size. */
const rounded = <Value extends number | null>(value: Value): Value =>
  (value === null ? null : Number(value.toPrecision(9))) as Value;
