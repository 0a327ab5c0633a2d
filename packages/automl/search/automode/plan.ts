import { defaultLimits, type ImageJob } from '../../spec/job.ts';
import { defaultOf } from '../../spec/resolve-hyperparameters.ts';
import { identity } from '../grid-points.ts';
import type { MeasuredModel, SearchState, TriedTrial } from '../search-state.ts';
import type { Assignment } from '../space.ts';
import { type Configuration, drawOf, portfolioOf } from './portfolio.ts';
import { epochsOf, secondsOf } from './seconds.ts';

/** A configuration that is tried for a few epochs: as many for all probes, where that is not most of what a configuration gets. */
export interface Probe {
  readonly configuration: Configuration;
  readonly epochs: number;
}

/** How AutoMode spends the trials and the time of a job. The same for all decisions of a job. */
export interface Plan {
  readonly portfolio: readonly Configuration[];
  /** Trained to the end first, so that the job is no worse than a single trial; none where that would take most of the time. */
  readonly first: Configuration | null;
  /** Trained for a few epochs, to choose what is worth the rest of the time; none where there is time for whole trials. */
  readonly probes: readonly Probe[];
  /** What all probes together may take. */
  readonly probeSeconds: number;
  /** Trained to the end unless they fall behind; none where there are probes. */
  readonly whole: readonly Configuration[];
}

/** The part of the time that goes to a first whole trial, at most. */
const FIRST = 0.6;
/** The part of the time that goes to probes, at most … */
const PROBING = 0.3;
/** … and to the portfolio's whole trials, where there is time for them. */
const WHOLE = 0.6;
/** What a trial of the portfolio takes of its whole time, as most fall behind and are stopped. */
const STOPPED_EARLY = 0.6;
/** The trials that go to the portfolio, at most; those after it are refinements of the best. */
const PORTFOLIO = 0.5;
/** Fewer probes would not be a choice … */
const LEAST_PROBES = 2;
/** … and so many are one between all kinds of variations. */
const GOOD_PROBES = 4;
/** The part of its epochs that the winner must have time for. */
const LONG_ENOUGH = 0.6;
/** Probes train for a part of the epochs, for less where that leaves too few of them. */
const PROBED = 1 / 9;
/** Without a limit of time a trial may take as long as this, or as several of the cheapest. */
const PATIENCE_SECONDS = 3600;
const PATIENCE_FACTOR = 6;

export function planOf(state: SearchState): Plan {
  const { job } = state;
  const all = portfolioOf(state);
  const budget = job.limits.timeout_minutes * 60;
  const cheapest = Math.min(...all.map(({ model, varied }) => secondsOf(model, varied)));
  const isLimited = job.limits.timeout_minutes !== defaultLimits.timeout_minutes;
  const longest = isLimited ? budget * FIRST : Math.max(PATIENCE_SECONDS, PATIENCE_FACTOR * cheapest);

  const share = Math.ceil(job.limits.max_trials * PORTFOLIO);
  const whole = all.filter(({ model, varied }) => secondsOf(model, varied) <= longest).slice(0, share);
  const wholeSeconds = whole.reduce((sum, { model, varied }) => sum + STOPPED_EARLY * secondsOf(model, varied), 0);
  const none = { first: null, probes: [], probeSeconds: 0, whole: [] };
  const isFixed = job.training_parameters.number_of_epochs !== undefined;
  if (isFixed || (whole.length >= Math.min(share, all.length) && wholeSeconds <= budget * WHOLE))
    return { ...none, portfolio: all, whole: isFixed ? all.slice(0, share) : whole };

  const [base] = all;
  const first = secondsOf(base.model, base.varied) <= budget * FIRST ? base : null;
  const left = first ? budget - secondsOf(first.model, first.varied) : budget;
  const rest = left * (1 - PROBING);
  const others = all.filter((one) => {
    const { model, varied } = one;
    return one !== first && secondsOf(model, varied, LONG_ENOUGH * epochsOf(model, varied)) <= rest;
  });
  const basic = Math.max(1, Math.round(PROBED * epochsOf(base.model, base.varied)));
  let probes: Probe[] = [];
  for (let epochs = basic; epochs >= 1 && probes.length < GOOD_PROBES; epochs--)
    probes = fitting(
      others.map((one) => probeFor(one, epochs)),
      left * PROBING,
    );
  probes = probes.slice(0, job.limits.max_trials - (first ? 2 : 1));
  return {
    ...{ portfolio: all, first, whole: [] },
    probes: probes.length < LEAST_PROBES ? [] : probes,
    probeSeconds: left * PROBING,
  };
}

const probeFor = (configuration: Configuration, epochs: number): Probe => ({
  configuration,
  epochs: Math.max(1, Math.min(epochs, Math.floor(epochsOf(configuration.model, configuration.varied) / 3))),
});

/** The first ones that there is time for. */
function fitting(probes: readonly Probe[], seconds: number): Probe[] {
  let left = seconds;
  return probes.filter(({ configuration: { model, varied }, epochs }) => {
    const cost = secondsOf(model, varied, epochs);
    if (cost > left) return false;
    left -= cost;
    return true;
  });
}

/** What says how long a trial lasts, and nothing of how it is trained otherwise. */
const LASTING = ['number_of_epochs', 'early_stopping_patience', 'warmup_cosine_lr_warmup_epochs'];

/** A draw without how long it lasts. */
export const methodOf = (draw: Assignment): Assignment =>
  Object.fromEntries(Object.entries(draw).filter(([name]) => !LASTING.includes(name)));

/** The trials of a configuration, however long they last. */
export function trialsOf<T extends TriedTrial>(configuration: Configuration, trials: readonly T[]): T[] {
  const wanted = identity(drawOf(configuration));
  return trials.filter(({ draw }) => identity(methodOf(draw)) === wanted);
}

/** A draw that lasts so many epochs; as it is where it does so anyhow. */
export function lasting(job: ImageJob, model: MeasuredModel, draw: Assignment, epochs: number): Assignment {
  const { number_of_epochs: own, early_stopping_patience: patience } = model.hyperparameters;
  if (epochs === own) return draw;
  const usual = (name: 'warmup_cosine_lr_warmup_epochs' | 'early_stopping_patience') =>
    Number(defaultOf(name, job.task, model.model));
  const warmup = Number(
    model.hyperparameters.warmup_cosine_lr_warmup_epochs ?? usual('warmup_cosine_lr_warmup_epochs'),
  );
  const shorter = Math.min(warmup, Math.floor(epochs / 3));
  const open = {
    number_of_epochs: epochs,
    // The recipe's patience goes with the recipe's epochs.
    ...(typeof patience === 'number' &&
      patience !== usual('early_stopping_patience') && { early_stopping_patience: patience }),
    ...(shorter < warmup && { warmup_cosine_lr_warmup_epochs: shorter }),
  };
  const given = Object.entries(open).filter(([name]) => !(name in job.training_parameters));
  return { ...draw, ...Object.fromEntries(given) };
}

/** The probe that a trial is, if it is one. */
export const probeOf = ({ probes }: Plan, trial: TriedTrial): Probe | undefined =>
  probes.find(
    ({ configuration, epochs }) =>
      Number(trial.draw.number_of_epochs ?? Number.POSITIVE_INFINITY) <= epochs &&
      trialsOf(configuration, [trial]).length > 0,
  );
