import type { Prediction } from './load-model.ts';

export interface RankedLabel {
  label: string;
  probability: number;
}

/** The most probable labels, the best first; of equals the one that comes first in the labels. */
export function topLabels({ probs, labels }: Prediction, count = 5): RankedLabel[] {
  return labels
    .map((label, i) => ({ label, probability: probs[i] }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, count);
}

/**
 * A small table for people; names are shown as they are given:
 *
 * ```
 * photo.jpg
 *   bee  93.1 %  ━━━━━━━━━━━━━━━━━━━
 *   ant   6.9 %  ━
 * ```
 */
export function formatPrediction(name: string, prediction: Prediction, { top = 5, barWidth = 20 } = {}): string {
  const ranked = topLabels(prediction, top);
  const width = Math.max(...ranked.map(({ label }) => label.length));
  const rows = ranked.map(({ label, probability }) => {
    const bar = '━'.repeat(Math.round(probability * barWidth));
    return `  ${label.padEnd(width)}  ${(100 * probability).toFixed(1).padStart(5)} %  ${bar}`.trimEnd();
  });
  return [name, ...rows].join('\n');
}
