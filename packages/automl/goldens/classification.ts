import { z } from 'zod';
import { calibration, calibrationError } from '../metrics/calibration.ts';
import {
  classificationMetrics,
  confusionMatrix,
  logLoss,
  normMacroRecall,
  predictedClasses,
  topAccuracy,
} from '../metrics/classification-metrics.ts';
import { averagedScores, classCounts, f1, precision, recall, support } from '../metrics/label-counts.ts';
import { type ClassPredictions, classScores } from '../metrics/predictions.ts';
import { cumulativeGains, decisionsAt, precisionRecallCurve, rocCurve } from '../metrics/ranking-curves.ts';
import { meanOfDefined, rankingScores } from '../metrics/score-metrics.ts';
import { rankColumn } from '../metrics/score-ranking.ts';
import { compare } from './compare.ts';
import type { Kind } from './kinds.ts';
import { type Figures, figures, readCases } from './read-cases.ts';

const TOLERANCE = 1e-9;
const DECILES = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100];

/** These are counted, so they must be equal. */
const EXACT = ['predicted', 'support', 'confusion_matrix'];

const classificationCase = z.object({
  id: z.string(),
  labels: z.array(z.string()),
  y_true: z.array(z.number()),
  proba: z.array(z.array(z.number())),
  expected: z.record(z.string(), figures),
  curves: z.record(
    z.string(),
    z.object({ accuracy_table: z.object({ thresholds: z.array(z.number()) }).catchall(figures) }).catchall(figures),
  ),
});

type ClassificationCase = z.infer<typeof classificationCase>;

/** Metrics and curves of models that choose one class. */
export const classification: Kind = {
  format: 'classification-cases-1',
  *check(file) {
    for (const one of readCases(file, classificationCase)) {
      const predictions = { truth: one.y_true, probabilities: one.proba, classes: one.labels };
      const found = metrics(predictions);
      const [exact, measured] = split(one.expected, EXACT);
      yield compare(`${one.id} counts`, exact, found, 0);
      yield compare(`${one.id} metrics`, measured, found, TOLERANCE);
      const curvesFound = byKind(curves(predictions, one));
      for (const [kind, expected] of Object.entries(byKind(one.curves))) {
        yield compare(`${one.id} ${kind}`, expected, curvesFound[kind] ?? {}, TOLERANCE);
      }
    }
  },
};

/** Everything that the format may record of a case, under its names. */
function metrics(predictions: ClassPredictions): Record<string, Figures> {
  const confusion = confusionMatrix(predictions);
  const counts = classCounts(confusion);
  const ranked = rankingScores(classScores(predictions));
  const classes = predictions.classes.length;
  const allLabels = averagedScores(counts);
  return {
    ...classificationMetrics(predictions),
    predicted: predictedClasses(predictions),
    support: counts.map(support),
    confusion_matrix: confusion,
    ...Object.fromEntries(Object.entries(allLabels).map(([name, value]) => [`${name}_all_labels`, value])),
    norm_macro_recall_all_labels: normMacroRecall(allLabels.recall_score_macro, classes),
    precision_score_per_class: counts.map(precision),
    recall_score_per_class: counts.map(recall),
    f1_score_per_class: counts.map(f1),
    AUC_per_class: ranked.auc,
    average_precision_per_class: ranked.averagePrecision,
    AUC_macro_defined_classes: meanOfDefined(ranked.auc),
    AUC_weighted_defined_classes: meanOfDefined(ranked.auc, ranked.support),
    average_precision_score_macro_defined_classes: meanOfDefined(ranked.averagePrecision),
    'log_loss_eps_2.22e-16': logLoss(predictions),
    'log_loss_eps_1e-15': logLoss(predictions, 1e-15),
    expected_calibration_error_15: calibrationError(predictions),
    ...Object.fromEntries(
      predictions.classes.map((_, index) => [`top${index + 1}_accuracy`, topAccuracy(predictions, index + 1)]),
    ),
    ...(classes === 2 && {
      precision_score_binary: precision(counts[1]),
      recall_score_binary: recall(counts[1]),
      f1_score_binary: f1(counts[1]),
      AUC_binary: ranked.auc[1],
      average_precision_score_binary: ranked.averagePrecision[1],
    }),
  };
}

/** The curves of each class, at the thresholds that the case asks for. */
function curves(predictions: ClassPredictions, one: ClassificationCase): Record<string, Record<string, Figures>> {
  const scores = classScores(predictions);
  return Object.fromEntries(
    predictions.classes.map((label, column) => {
      const ranking = rankColumn(scores, column);
      const roc = rocCurve(ranking);
      const pr = precisionRecallCurve(ranking);
      const thresholds = one.curves[label]?.accuracy_table.thresholds ?? [];
      return [
        label,
        {
          roc: roc && { ...roc, thresholds: ['start', ...roc.thresholds.slice(1)] },
          pr: pr && { ...pr, thresholds: pr.thresholds.slice(0, -1) },
          calibration: calibration(scores, column).map((bin) => ({ ...bin })),
          lift: cumulativeGains(ranking, scores, column, DECILES)?.map((gain) => ({ ...gain })) ?? null,
          accuracy_table: { thresholds, tp_fp_tn_fn: decisionsAt(ranking, thresholds) },
        },
      ];
    }),
  );
}

/** {label: {kind: curve}} as {kind: {label: curve}}. */
function byKind(curves: Record<string, Record<string, Figures>>): Record<string, Record<string, Figures>> {
  const kinds: Record<string, Record<string, Figures>> = {};
  for (const [label, ofLabel] of Object.entries(curves)) {
    for (const [kind, curve] of Object.entries(ofLabel)) {
      kinds[kind] ??= {};
      kinds[kind][label] = curve;
    }
  }
  return kinds;
}

function split(
  expected: Record<string, Figures>,
  names: readonly string[],
): [Record<string, Figures>, Record<string, Figures>] {
  const entries = Object.entries(expected);
  return [
    Object.fromEntries(entries.filter(([name]) => names.includes(name))),
    Object.fromEntries(entries.filter(([name]) => !names.includes(name))),
  ];
}
