export type Goal = 'maximize' | 'minimize';

interface Schedule {
  /** Interval k: the policy looks at every k-th report. Default 1; 0 and below count as 1. */
  readonly evaluation_interval?: number | undefined;
  /** No look before this many reports. Default 0. */
  readonly delay_evaluation?: number | undefined;
}

export type EarlyTerminationPolicy = Schedule &
  (
    | {
        readonly type: 'bandit';
        readonly slack_factor?: number | undefined;
        readonly slack_amount?: number | undefined;
      }
    | { readonly type: 'median_stopping' }
    | {
        readonly type: 'truncation_selection';
        readonly truncation_percentage: number;
        readonly exclude_finished_jobs?: boolean | undefined;
      }
  );

/** What a policy knows of a trial: its reports of the primary metric so far, and whether it completed by itself. */
export interface TrialHistory {
  readonly reports: readonly number[];
  readonly finished: boolean;
}

/** What a policy decides at one interval. The figures are those that the decision rests on, for the log. */
export interface Verdict {
  /** Indices, into the pool, of the trials that the policy would stop. */
  readonly stop: number[];
  readonly figures: Readonly<Record<string, number>>;
}

/** A policy looks at interval n when n is a multiple of `evaluation_interval` and at least `delay_evaluation`. */
export function appliesAt(policy: EarlyTerminationPolicy, interval: number): boolean {
  const every = Math.max(1, policy.evaluation_interval ?? 1);
  return interval % every === 0 && interval >= (policy.delay_evaluation ?? 0);
}

/**
 * What a policy says to the trial that has just reported; null where it does not look at this interval. The trial is compared with every
 * trial that has reported at least as often, up to the same number of reports: those still running, those that finished and those
 * stopped later.
 *
 * @param trials histories of all trials of the sweep, stopped ones with what they reported before they were stopped
 * @param index the trial that has just reported
 */
export function verdictAfterReport(
  policy: EarlyTerminationPolicy,
  goal: Goal,
  trials: readonly TrialHistory[],
  index: number,
): { stops: boolean; figures: Verdict['figures']; pool: number } | null {
  const interval = trials[index]?.reports.length ?? 0;
  if (interval === 0 || !appliesAt(policy, interval)) return null;
  const excludeFinished = policy.type === 'truncation_selection' && policy.exclude_finished_jobs === true;
  const indices = trials.flatMap((trial, i) =>
    trial.reports.length >= interval && !(excludeFinished && trial.finished) ? [i] : [],
  );
  const pool = indices.map((i) => (trials[i] as TrialHistory).reports);
  const { stop, figures } = judge(policy, goal, pool, interval);
  return { stops: stop.some((i) => indices[i] === index), figures, pool: pool.length };
}

/**
 * The decision of a policy over a pool of trials at one interval.
 *
 * Bandit: a trial whose best report is worse than the pool's best by more than the slack. Median stopping: worse than the
 * median of the pool's running averages. Truncation selection: in the worst `truncation_percentage` per cent (rounded
 * down) of the pool by best report; trials that tie over the cut are spared. A report that is not a number is worse than any.
 *
 * @param pool reports of each trial, at least `interval` many
 */
export function judge(
  policy: EarlyTerminationPolicy,
  goal: Goal,
  pool: readonly (readonly number[])[],
  interval: number,
): Verdict {
  // Minimising is maximising the negated metric; only a bandit's slack factor needs the sign, and it looks at it itself.
  const sign = goal === 'maximize' ? 1 : -1;
  const scores = pool.map((reports) =>
    reports.slice(0, interval).map((report) => (Number.isNaN(report) ? Number.NEGATIVE_INFINITY : sign * report)),
  );
  const bests = scores.map((reports) => Math.max(...reports));
  switch (policy.type) {
    case 'bandit': {
      const reference = Math.max(...bests);
      const limit = banditLimit(policy, reference);
      return {
        stop: indicesWhere(bests, (best) => isWorse(best, limit)),
        figures: { reference: sign * reference, limit: sign * limit },
      };
    }
    case 'median_stopping': {
      const median = medianOf(scores.map((reports) => reports.reduce((sum, score) => sum + score, 0) / interval));
      return { stop: indicesWhere(bests, (best) => isWorse(best, median)), figures: { median: sign * median } };
    }
    case 'truncation_selection': {
      const count = Math.floor((pool.length * policy.truncation_percentage) / 100);
      const notBetterThan = (best: number) => bests.filter((other) => !isWorse(best, other)).length;
      return {
        stop: indicesWhere(bests, (best) => notBetterThan(best) <= count),
        figures: { pool_size: pool.length, count },
      };
    }
  }
}

/**
 * The lowest score that survives. A factor divides a positive reference and multiplies a negative one, so that the limit
 * is always on the worse side. With both kinds of slack the factor counts.
 */
function banditLimit(
  {
    slack_factor: factor = 0,
    slack_amount: amount = 0,
  }: { slack_factor?: number | undefined; slack_amount?: number | undefined },
  reference: number,
): number {
  if (factor === 0) return reference - amount;
  return reference >= 0 ? reference / (1 + factor) : reference * (1 + factor);
}

/** Worse by more than rounding: 0.8 − 0.2 and 0.6 are equal. */
function isWorse(score: number, other: number): boolean {
  if (score === Number.NEGATIVE_INFINITY) return other > score;
  return other - score > 1e-9 * Math.max(1, Math.abs(score), Math.abs(other));
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

function indicesWhere(values: readonly number[], holds: (value: number) => boolean): number[] {
  return values.flatMap((value, index) => (holds(value) ? [index] : []));
}
