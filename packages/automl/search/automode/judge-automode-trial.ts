import type { TrialVerdict } from '../judge-trial.ts';
import { bestReport, figure } from '../reported.ts';
import type { SearchState, TriedTrial } from '../search-state.ts';
import { planOf, probeOf } from './plan.ts';
import { epochsOf } from './seconds.ts';

/** The parts of its epochs after which a trial is compared with the others there. */
const RUNGS = [1 / 9, 1 / 3];
/** One of so many goes on from a rung. */
const REDUCTION = 3;

/**
 * Asynchronous successive halving by stopping (Li et al. 2020, https://arxiv.org/abs/1810.05934, section 3): a trial that reaches a rung
 * is compared with all that were there before it, and ends unless it is in the best third. The first ones at a rung go on. Probes are
 * not stopped.
 */
export function judgeAutomodeTrial(state: SearchState, trial: TriedTrial): TrialVerdict {
  const goesOn = { end: false, because: null };
  const plan = planOf(state);
  if (probeOf(plan, trial)) return goesOn;
  const planned = ({ draw }: TriedTrial): number => {
    const model = plan.portfolio.find((one) => one.model.model === draw.model_name)?.model;
    return model ? epochsOf(model, draw) : Number(draw.number_of_epochs ?? Number.POSITIVE_INFINITY);
  };
  const epochs = planned(trial);
  const [latest, before] = [trial.reports.at(-1)?.epoch ?? 0, trial.reports.at(-2)?.epoch ?? 0];
  const rung = RUNGS.findLast((part) => rungEpoch(part, epochs) <= latest && rungEpoch(part, epochs) > before);
  if (rung === undefined || latest >= epochs) return goesOn;

  const there = state.trials.flatMap((other) => {
    if (probeOf(plan, other)) return [];
    const own = rungEpoch(rung, planned(other));
    const reached = other.reports.find(({ epoch }) => epoch >= own);
    return reached ? [{ other, value: bestReport(other, reached.epoch) ?? Number.NEGATIVE_INFINITY }] : [];
  });
  const own = there.find(({ other }) => other.number === trial.number)?.value ?? Number.NEGATIVE_INFINITY;
  const place = 1 + there.filter(({ value }) => value > own).length;
  const allowed = Math.ceil(there.length / REDUCTION);
  if (there.length < REDUCTION || place <= allowed) return goesOn;
  const best = Math.max(...there.map(({ value }) => value));
  const metric = state.job.primary_metric;
  return {
    end: true,
    because:
      `successive halving after epoch ${latest} of ${epochs}: ${metric} ${figure(own)} is place ${place} of the ${there.length} trials ` +
      `that came this far, and the best ${allowed} ${allowed === 1 ? 'goes' : 'go'} on; the best has ${figure(best)}`,
  };
}

const rungEpoch = (part: number, epochs: number): number => Math.max(1, Math.round(part * epochs));
