import { freezableGroups } from '../../spec/tasks.ts';
import type { MeasuredModel, SearchState, TriedTrial } from '../search-state.ts';
import type { Assignment } from '../space.ts';

/** What a trial of a model is trained with. */
export const settled = ({ hyperparameters }: MeasuredModel, draw: Assignment): Assignment => ({
  ...hyperparameters,
  ...draw,
});

export const epochsOf = (model: MeasuredModel, draw: Assignment): number =>
  Number(settled(model, draw).number_of_epochs ?? 1);

/** Of an epoch, the part that is spent before the first layer that learns: forward through it, but not back. */
const FORWARD = 1 / 3;

/** Seconds of an epoch and its validation, by the measurement. */
export function secondsPerEpoch(model: MeasuredModel, draw: Assignment): number {
  const own = model.hyperparameters;
  const all = settled(model, draw);
  const stages = freezableGroups(model.model) ?? 1;
  const frozen = (hyperparameters: Assignment) => Number(hyperparameters.layers_to_freeze ?? 0) / stages;
  const measuredAt = frozen(own);
  const full = model.secondsPerFullEpoch;
  // What each frozen part saves, as measured; where nothing was frozen, at most what going back costs.
  const saved = measuredAt > 0 ? (full - model.secondsPerEpoch) / measuredAt : full * (1 - FORWARD);
  return Math.max(full * FORWARD * 0.5, full - saved * frozen(all)) * pixels(all, own);
}

/** How many times as many pixels. */
function pixels(all: Assignment, own: Assignment): number {
  const sides = ['training_crop_size', 'image_size', 'min_size'] as const;
  const side = sides.find((name) => typeof own[name] === 'number');
  return side === undefined ? 1 : (Number(all[side]) / Number(own[side])) ** 2;
}

/** Seconds of a whole trial, by the measurement. */
export const secondsOf = (model: MeasuredModel, draw: Assignment, epochs = epochsOf(model, draw)): number =>
  model.startSeconds + epochs * secondsPerEpoch(model, draw);

/**
 * How many times as long trials really took as the measurement said: of the same model where some ended, else of all. 1 before any did.
 */
export function paceOf({ trials, measured }: Pick<SearchState, 'trials' | 'measured'>, model: MeasuredModel): number {
  const ratio = (some: readonly TriedTrial[]): number | null => {
    let [real, said] = [0, 0];
    for (const { draw, reports, seconds, status } of some) {
      const its = measured.find((each) => each.model === draw.model_name);
      const epochs = reports.at(-1)?.epoch ?? 0;
      if (!its || epochs === 0 || !['completed', 'stopped'].includes(status)) continue;
      real += seconds;
      said += secondsOf(its, draw, epochs);
    }
    return said > 0 && real > 0 ? Math.min(10, Math.max(0.1, real / said)) : null;
  };
  return ratio(trials.filter(({ draw }) => draw.model_name === model.model)) ?? ratio(trials) ?? 1;
}

/** `40 s`, `12 min`, `3.5 h` */
export function inWords(seconds: number): string {
  if (seconds < 300) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
