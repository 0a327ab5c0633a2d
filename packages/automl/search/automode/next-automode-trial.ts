import { defaultLimits } from '../../spec/job.ts';
import { bestReport, bestTried, figure } from '../reported.ts';
import type { ChosenTrial, MeasuredModel, SearchState, TriedTrial } from '../search-state.ts';
import type { Assignment } from '../space.ts';
import { lasting, type Plan, type Probe, planOf, probeOf, trialsOf } from './plan.ts';
import { type Configuration, drawOf } from './portfolio.ts';
import { refined } from './refined.ts';
import { epochsOf, inWords, paceOf, secondsOf, secondsPerEpoch } from './seconds.ts';

/** What is kept back of the time that is left, for estimates that are too low. */
const KEPT_BACK = 0.08;
/** A trial is trained for at most so many times the epochs that are usual. */
const LONGEST = 1.5;
/** By so much probes may take longer than planned. */
const OVERDRAWN = 1.3;
/** The part of the usual epochs below which a trial is not worth its start. */
const SHORTEST = 1 / 4;
/** Where more than this is left than a usual trial takes, trials last as usual, and what is left goes to refinements. */
const ROOMY = 2;

/**
 * The next trial of AutoMode. Where the job's time allows it, the portfolio is trained, trials that fall behind are stopped, and later
 * trials are refinements of the best. Where it does not, a first trial is trained to its end if that leaves time for more;
 * then probes of a few epochs choose what gets the rest.
 */
export function nextAutomodeTrial(state: SearchState, number: number): ChosenTrial | 'wait' | null {
  const plan = planOf(state);
  if (plan.first && trialsOf(plan.first, state.trials).length === 0)
    return chosen(state, plan.first, {
      because: 'first a trial to its end, so that the job is no worse than a single one',
    });
  if (plan.whole.length > 0) return nextWhole(state, plan, number);

  const probe = plan.probes.find(({ configuration }) => trialsOf(configuration, state.trials).length === 0);
  if (probe && isTimeToProbe(state, plan, probe)) {
    const because = `one of ${plan.probes.length} probes, of which the best is trained for longer`;
    return chosen(state, probe.configuration, { because, epochs: probe.epochs });
  }
  const probed = state.trials.filter((trial) => probeOf(plan, trial));
  if (probed.some(({ status }) => status === 'running')) return 'wait';
  return afterProbes(state, plan, probed) ?? refinement(state, plan, number);
}

/** Probes that took longer than was measured are no reason to take the time of the trial that they are made for. */
function isTimeToProbe(state: SearchState, plan: Plan, { configuration: { model, varied }, epochs }: Probe): boolean {
  const spent = state.trials.reduce((sum, trial) => sum + (probeOf(plan, trial) ? trial.seconds : 0), 0);
  const inTurns = spent / state.job.limits.max_concurrent_trials;
  return inTurns + secondsOf(model, varied, epochs) * paceOf(state, model) <= plan.probeSeconds * OVERDRAWN;
}

function nextWhole(state: SearchState, plan: Plan, number: number): ChosenTrial | 'wait' | null {
  const untried = plan.whole.filter((one) => trialsOf(one, state.trials).length === 0);
  for (const one of untried) {
    const place = plan.whole.indexOf(one) + 1;
    const because = `${place} of ${plan.whole.length} in the portfolio, in which cheap models that start from good weights come first`;
    const next = chosen(state, one, { because });
    if (next) return next;
  }
  return refinement(state, plan, number);
}

/** The best probe that was not trained for longer yet. Without probes, the portfolio's first. */
function afterProbes(state: SearchState, plan: Plan, probed: readonly TriedTrial[]): ChosenTrial | null {
  const longer = state.trials.filter((trial) => !probeOf(plan, trial));
  const [base] = plan.portfolio;
  if (probed.length === 0) {
    if (trialsOf(base, state.trials).length > 0) return null;
    return chosen(state, base, { because: 'there is no time to compare it with others', fill: true });
  }
  // One of them is trained for long; the time that is left after it is for refinements.
  if (longer.some((trial) => plan.probes.some(({ configuration }) => trialsOf(configuration, [trial]).length > 0)))
    return null;
  const best = bestTried(probed);
  const winner = best ? probeOf(plan, best.trial) : undefined;
  if (!best || !winner)
    return trialsOf(base, longer).length > 0
      ? null
      : chosen(state, base, { because: 'no probe came to an evaluation', fill: true });
  const others = probed.length === 1 ? 'the only probe that there was time for' : `the best of ${probed.length} probes`;
  const metric = state.job.primary_metric;
  const because = `trial ${best.trial.number} was ${others}: ${metric} ${figure(best.value)} after ${epochs(winner.epochs)}`;
  return chosen(state, winner.configuration, { because, fill: true, least: winner.epochs + 1 });
}

/** A trial near the best so far, where there is time for one. */
function refinement(state: SearchState, plan: Plan, number: number): ChosenTrial | 'wait' | null {
  const candidates = state.trials.filter((trial) => !probeOf(plan, trial));
  const best = bestTried(candidates);
  if (!best) {
    if (state.trials.some(({ status }) => status === 'running')) return 'wait';
    return null;
  }
  const model = plan.portfolio.find((one) => one.model.model === best.trial.draw.model_name)?.model;
  const draw = model ? refined(state, model, best.trial, number) : null;
  if (!model || !draw) return null;
  const metric = state.job.primary_metric;
  const because = `near trial ${best.trial.number}, the best so far with ${metric} ${figure(best.value)}`;
  return withinTime(state, model, draw, { because, what: inShort(draw) });
}

interface Reason {
  because: string;
  /** For so many epochs, instead of the usual ones. */
  epochs?: number;
  /** For as many epochs as time allows. */
  fill?: boolean;
  /** Not for fewer epochs. */
  least?: number;
}

const chosen = (state: SearchState, configuration: Configuration, reason: Reason): ChosenTrial | null =>
  withinTime(state, configuration.model, drawOf(configuration), {
    ...reason,
    what: `${configuration.model.model} ${configuration.what}`,
  });

/** A trial that ends before the job's time does; null where that is too short for one. */
function withinTime(
  state: SearchState,
  model: MeasuredModel,
  draw: Assignment,
  { because, what, epochs: wanted, fill = false, least }: Reason & { what: string },
): ChosenTrial | null {
  const pace = paceOf(state, model);
  const left = state.secondsLeft * (1 - KEPT_BACK);
  const usual = epochsOf(model, draw);
  const perEpoch = secondsPerEpoch(model, draw) * pace;
  const most = perEpoch > 0 ? Math.floor((left - model.startSeconds * pace) / perEpoch) : Number.POSITIVE_INFINITY;
  const isRoomy = left > ROOMY * secondsOf(model, draw) * pace;
  const aim = wanted ?? (fill && !isRoomy ? Math.ceil(LONGEST * usual) : usual);
  const isFixed = state.job.training_parameters.number_of_epochs !== undefined;
  const number = isFixed ? usual : Math.max(1, Math.min(aim, most));
  const shortest = Math.min(aim, least ?? Math.ceil(SHORTEST * usual));
  // The first trial is made however short it must be: a job is to end with a model.
  const isOnly = state.trials.every((trial) => bestReport(trial) === null && trial.status !== 'running');
  if (most < shortest && !isOnly) return null;
  const seconds = secondsOf(model, draw, number) * pace;
  const isLimited = state.job.limits.timeout_minutes !== defaultLimits.timeout_minutes;
  const of = isLimited ? ` of the ${inWords(state.secondsLeft)} that are left` : '';
  const time = perEpoch > 0 ? `, about ${inWords(seconds)}${of}` : '';
  return {
    draw: lasting(state.job, model, draw, number),
    because: `${because}; ${what}, ${epochs(number)}${time}`,
  };
}

const epochs = (count: number) => `${count} ${count === 1 ? 'epoch' : 'epochs'}`;

/** `learning_rate 0.012, weight_decay 0.00031` */
const inShort = ({ model_name: model, ...others }: Assignment): string =>
  [
    model,
    ...Object.entries(others).map(
      ([name, value]) => `${name} ${typeof value === 'number' ? Number(value.toPrecision(3)) : value}`,
    ),
  ].join(', ');
