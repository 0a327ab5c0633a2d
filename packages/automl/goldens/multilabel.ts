import { z } from 'zod';
import {
  averagedScores,
  f1,
  jaccard,
  type LabelCounts,
  macro,
  mean,
  micro,
  precision,
  recall,
  weighted,
} from '../metrics/label-counts.ts';
import { coverageError, labelRankingAveragePrecision } from '../metrics/label-ranking.ts';
import {
  binaryLogLoss,
  decide,
  exactMatches,
  imageCounts,
  labelCounts,
  sampleIou,
} from '../metrics/multilabel-metrics.ts';
import { type LabelPredictions, labelScores } from '../metrics/predictions.ts';
import { averagedRankingScores, meanOfDefined, rankingScores } from '../metrics/score-metrics.ts';
import { compare } from './compare.ts';
import type { Kind } from './kinds.ts';
import { type Figures, figures, readCases } from './read-cases.ts';

const TOLERANCE = 1e-9;

const multilabelCase = z.object({
  id: z.string(),
  labels: z.array(z.string()),
  y_true: z.array(z.array(z.number())),
  scores: z.array(z.array(z.number())),
  at_threshold: z.record(z.string().regex(/^[\d.]+_(ge|gt)$/), figures),
  score_metrics: figures,
});

/** Metrics of models that answer yes or no for each label, at several thresholds. */
export const multilabel: Kind = {
  format: 'multilabel-cases-1',
  *check(file) {
    for (const { id, labels, y_true, scores, at_threshold, score_metrics } of readCases(file, multilabelCase)) {
      const predictions = { truth: y_true, scores, labels };
      for (const [key, expected] of Object.entries(at_threshold)) {
        yield compare(`${id} at ${key}`, expected, atThreshold(predictions, key), TOLERANCE);
      }
      yield compare(`${id} scores`, score_metrics, scoreMetrics(predictions), TOLERANCE);
    }
  },
};

/** @param key as "0.5_ge": a label is predicted from this score on; "_gt": above it */
function atThreshold({ truth, scores }: LabelPredictions, key: string): Figures {
  const [number, side] = key.split('_');
  const threshold = Number(number);
  const decisions = decide(scores, side === 'ge' ? (score) => score >= threshold : (score) => score > threshold);
  const counts = labelCounts(truth, decisions);
  const images = imageCounts(truth, decisions);
  const elementwise = micro(counts, ({ tp, fp, fn, tn }) => (tp + tn) / (tp + fp + fn + tn));
  return {
    iou: mean(images.map(jaccard)),
    iou_empty_union_is_1: sampleIou(images),
    iou_macro: macro(counts, jaccard),
    iou_micro: micro(counts, jaccard),
    iou_weighted: weighted(counts, jaccard),
    iou_per_label: counts.map(jaccard),
    accuracy_exact_match: exactMatches(images),
    accuracy_elementwise: elementwise,
    hamming_loss: 1 - elementwise,
    ...averagedScores(counts),
    precision_score_samples: mean(images.map(precision)),
    recall_score_samples: mean(images.map(recall)),
    f1_score_samples: mean(images.map(f1)),
    precision_score_per_label: counts.map(precision),
    recall_score_per_label: counts.map(recall),
    f1_score_per_label: counts.map(f1),
    confusion_per_label_tn_fp_fn_tp: counts.map(({ tn, fp, fn, tp }: LabelCounts) => [tn, fp, fn, tp]),
  };
}

function scoreMetrics(predictions: LabelPredictions): Figures {
  const ranked = rankingScores(labelScores(predictions));
  return {
    support: ranked.support,
    AUC_per_label: ranked.auc,
    average_precision_per_label: ranked.averagePrecision,
    ...averagedRankingScores(ranked),
    AUC_macro_defined_labels: meanOfDefined(ranked.auc),
    AUC_weighted_defined_labels: meanOfDefined(ranked.auc, ranked.support),
    average_precision_score_macro_defined_labels: meanOfDefined(ranked.averagePrecision),
    binary_log_loss_mean: binaryLogLoss(predictions),
    ranking_average_precision_lrap: labelRankingAveragePrecision(predictions),
    coverage_error: coverageError(predictions),
  };
}
