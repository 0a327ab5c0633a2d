import type { TriedTrial } from './search-state.ts';

/** The best primary metric that a trial has reported, up to an epoch; null where it has reported no number. */
export function bestReport({ reports }: Pick<TriedTrial, 'reports'>, upTo = Number.POSITIVE_INFINITY): number | null {
  const values = reports.flatMap(({ epoch, value }) => (epoch <= upTo && Number.isFinite(value) ? [value] : []));
  return values.length === 0 ? null : Math.max(...values);
}

/** The trial that has reported the best, the earlier of equals; null where none has. */
export function bestTried<T extends TriedTrial>(trials: readonly T[]): { trial: T; value: number } | null {
  let best: { trial: T; value: number } | null = null;
  for (const trial of trials) {
    const value = trial.status === 'failed' ? null : bestReport(trial);
    if (value !== null && (best === null || value > best.value)) best = { trial, value };
  }
  return best;
}

/** A metric in a sentence. */
export const figure = (value: number): string => (Number.isFinite(value) ? value.toFixed(4) : 'not a number');

export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
