import type { MetricValues, ScoreMatrix } from './predictions.ts';
import { areaUnderRoc, averagePrecision, rankAll, rankColumn } from './score-ranking.ts';

/** What the ranking of the scores alone says, with no decision made: per label and for all decisions together. */
export interface RankingScores {
  /** How often each label is true. */
  support: number[];
  /** Area under the ROC curve; null for a label that is always or never true. */
  auc: (number | null)[];
  aucMicro: number | null;
  /** Average precision; null for a label that is never true. */
  averagePrecision: (number | null)[];
  averagePrecisionMicro: number | null;
}

export function rankingScores(scores: ScoreMatrix): RankingScores {
  const rankings = Array.from({ length: scores.columns }, (_, column) => {
    const ranking = rankColumn(scores, column);
    return { support: ranking.positives, auc: areaUnderRoc(ranking), averagePrecision: averagePrecision(ranking) };
  });
  const all = rankAll(scores);
  return {
    support: rankings.map(({ support }) => support),
    auc: rankings.map(({ auc }) => auc),
    aucMicro: areaUnderRoc(all),
    averagePrecision: rankings.map(({ averagePrecision }) => averagePrecision),
    averagePrecisionMicro: averagePrecision(all),
  };
}

/**
 * AUC_* and average_precision_score_* in their three averages. A macro average, and every average of the AUC, is null when it is
 * undefined for some label; the weighted average precision is not, since such a label has no weight.
 */
export function averagedRankingScores(scores: RankingScores): MetricValues {
  const everyAuc = scores.auc.every((value) => value !== null);
  const everyPrecision = scores.averagePrecision.every((value) => value !== null);
  return {
    AUC_macro: everyAuc ? meanOfDefined(scores.auc) : null,
    AUC_micro: scores.aucMicro,
    AUC_weighted: everyAuc ? meanOfDefined(scores.auc, scores.support) : null,
    average_precision_score_macro: everyPrecision ? meanOfDefined(scores.averagePrecision) : null,
    average_precision_score_micro: scores.averagePrecisionMicro,
    average_precision_score_weighted: meanOfDefined(scores.averagePrecision, scores.support),
  };
}

/**
 * Mean over the labels that have a value.
 * @param weights one per value; all the same when left out
 * @returns null when none has a value, or those that have weigh nothing
 */
export function meanOfDefined(values: readonly (number | null)[], weights?: readonly number[]): number | null {
  let sum = 0;
  let total = 0;
  for (const [i, value] of values.entries()) {
    if (value === null) continue;
    const weight = weights ? weights[i] : 1;
    sum += weight * value;
    total += weight;
  }
  return total === 0 ? null : sum / total;
}
