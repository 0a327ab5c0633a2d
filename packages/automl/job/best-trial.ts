import type { TrialRecord } from './job-record.ts';

type Judged = Pick<TrialRecord, 'status' | 'best_epoch' | 'metrics'>;

/**
 * The trial with the highest primary metric, the earlier of equals: its model becomes the job's. One that measured nothing comes last;
 * one that failed, or has no finished evaluation, has no model.
 *
 * @param trials in the order of their numbers
 */
export function bestTrial<T extends Judged>(trials: readonly T[], primaryMetric: string): T | null {
  const judged = trials.filter(({ status, best_epoch }) => best_epoch !== null && status !== 'Failed');
  const value = ({ metrics }: T) => metrics[primaryMetric] ?? Number.NEGATIVE_INFINITY;
  return judged.reduce<T | null>((best, trial) => (best && value(best) >= value(trial) ? best : trial), null);
}
