import type { Prediction } from './load-model.ts';

export interface RankedLabel {
  label: string;
  probability: number;
}

/** Labels that a person is shown of many. */
export const SHOWN_LABELS = 5;

/** The most probable labels, the best first; of equals the one that comes first in the labels. */
export function topLabels({ probs, labels }: Prediction, count = SHOWN_LABELS): RankedLabel[] {
  return labels
    .map((label, i) => ({ label, probability: probs[i] }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, count);
}

export interface FormatPredictionOptions {
  /** How many labels are shown at most, the most probable ones. Default: five, and all that pass the threshold. */
  top?: number;
  /** Of a multi-label model: labels from this probability on are marked. */
  threshold?: number;
  /** Characters that a probability of one is long. */
  barWidth?: number;
}

/**
 * A small table for people; names are shown as they are given:
 *
 * ```
 * photo.jpg
 *   bee  93.1 %  ━━━━━━━━━━━━━━━━━━━
 *   ant   6.9 %  ━
 * ```
 * With a threshold, for labels that do not exclude each other:
 * ```
 * photo.jpg
 *   ✓ sea     93.1 %  ━━━━━━━━━━━━━━━━━━━
 *   ✓ sunset  70.4 %  ━━━━━━━━━━━━━━
 *     trees    6.9 %  ━
 * ```
 */
export function formatPrediction(
  name: string,
  prediction: Prediction,
  { top, threshold, barWidth = 20 }: FormatPredictionOptions = {},
): string {
  const passes = (probability: number) => threshold !== undefined && probability >= threshold;
  const ranked = topLabels(prediction, top ?? Math.max(SHOWN_LABELS, prediction.probs.filter(passes).length));
  const width = Math.max(...ranked.map(({ label }) => label.length));
  const rows = ranked.map(({ label, probability }) => {
    const mark = threshold === undefined ? '' : passes(probability) ? '✓ ' : '  ';
    const bar = '━'.repeat(Math.round(probability * barWidth));
    return `  ${mark}${label.padEnd(width)}  ${(100 * probability).toFixed(1).padStart(5)} %  ${bar}`.trimEnd();
  });
  return [name, ...rows].join('\n');
}
