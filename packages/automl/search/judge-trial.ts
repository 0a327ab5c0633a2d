import { type EarlyTermination, jobMode } from '../spec/job.ts';
import { judgeAutomodeTrial } from './automode/judge-automode-trial.ts';
import { verdictAfterReport } from './early-termination.ts';
import { counted, figure } from './reported.ts';
import type { SearchState } from './search-state.ts';

/** Whether a trial ends now, before its last epoch, and if so the reason, as a sentence with the figures. */
export interface TrialVerdict {
  readonly end: boolean;
  readonly because: string | null;
}

const GOES_ON: TrialVerdict = { end: false, because: null };

/**
 * What the sweep's policy, or AutoMode, says to a trial after its latest evaluation.
 *
 * @param number of the trial, whose reports in the state are up to date
 * @throws RangeError for a trial that is not there
 */
export function judgeTrial(state: SearchState, number: number): TrialVerdict {
  const { job, trials } = state;
  const index = trials.findIndex((trial) => trial.number === number);
  if (index < 0) throw new RangeError(`there is no trial ${number} among the ${trials.length}`);
  if (jobMode(job) === 'automode') return judgeAutomodeTrial(state, trials[index]);
  const policy = job.sweep?.early_termination;
  if (!policy) return GOES_ON;
  const histories = trials.map(({ reports, status }) => ({
    reports: reports.map(({ value }) => value),
    finished: status === 'completed',
  }));
  const verdict = verdictAfterReport(policy, 'maximize', histories, index);
  if (!verdict?.stops) return GOES_ON;
  const { reports } = histories[index];
  const best = reports.reduce((a, b) => (b > a || Number.isNaN(a) ? b : a));
  const reached = `${policy.type} after ${counted(reports.length, 'evaluation')}: its best ${job.primary_metric} is ${figure(best)}`;
  return { end: true, because: `${reached}, ${comparison(policy, verdict)}` };
}

type Figures = NonNullable<ReturnType<typeof verdictAfterReport>>;

function comparison(policy: EarlyTermination, { figures, pool }: Figures): string {
  switch (policy.type) {
    case 'bandit': {
      const slack =
        (policy.slack_factor ?? 0) !== 0
          ? `slack_factor ${policy.slack_factor}`
          : `slack_amount ${policy.slack_amount ?? 0}`;
      return `below ${figure(figures.limit)}, which is ${figure(figures.reference)}, the best of ${pool} trials by then, less ${slack}`;
    }
    case 'median_stopping':
      return `below ${figure(figures.median)}, the median of the running averages of ${pool} trials by then`;
    case 'truncation_selection':
      return `among the lowest ${figures.count} of ${pool} trials by then (truncation_percentage ${policy.truncation_percentage})`;
  }
}
