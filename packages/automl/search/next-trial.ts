import { createRng } from '@fovea/data';
import { type ImageJob, jobMode } from '../spec/job.ts';
import { samplingOf } from '../spec/sampling.ts';
import { nextAutomodeTrial } from './automode/next-automode-trial.ts';
import { gridPoints } from './grid-points.ts';
import { bestTried, figure } from './reported.ts';
import { experiencesOf, sampleBayesian } from './sample-bayesian.ts';
import { sampleSobol } from './sample-sobol.ts';
import type { ChosenTrial, SearchState, TriedTrial } from './search-state.ts';
import type { Space } from './space.ts';
import { draw, type RandomSource } from './space-tree.ts';

/**
 * The next trial of a job and why it was chosen; `wait` until a running one tells more; null when there are no more. The same state
 * gives the same answer, and a sweep's draws are the same for the same job whatever its trials reached (but for `bayesian`, which goes
 * by that). Trials count towards `max_trials` however they ended.
 */
export function nextTrial(state: SearchState): ChosenTrial | 'wait' | null {
  const { job, trials, secondsLeft } = state;
  const number = trials.reduce((next, trial) => Math.max(next, trial.number + 1), 0);
  if (number >= job.limits.max_trials || secondsLeft <= 0) return null;
  switch (jobMode(job)) {
    case 'individual':
      return { draw: {}, because: 'the only trial of the job: it has no search space' };
    case 'automode':
      return nextAutomodeTrial(state, number);
    case 'sweep':
      return nextOfSweep(state, number);
  }
}

function nextOfSweep({ job, trials }: SearchState, number: number): ChosenTrial | null {
  const space = job.search_space as Space;
  const most = job.limits.max_trials;
  const { type, rule, seed } = samplingOf(job);
  switch (type) {
    case 'grid': {
      const points = gridPoints(space).take(most).toArray();
      const place = `point ${number + 1} of ${points.length === most ? 'the grid' : `the grid's ${points.length}`}`;
      return number < points.length ? { draw: points[number], because: place } : null;
    }
    case 'random':
      if (rule === 'sobol')
        return {
          draw: sampleSobol(space, number, seed),
          because: `point ${number + 1} of a Sobol sequence, seed ${seed}`,
        };
      return { draw: draw(space, trialRandom(seed, number)), because: `drawn at random, seed ${seed}` };
    case 'bayesian': {
      const { assignment, expected } = sampleBayesian(space, experiencesOf(trials), { number, seed });
      return {
        draw: assignment,
        because: expected ? promise(job, trials, expected) : 'covers the space evenly, to learn from',
      };
    }
  }
}

function promise(
  { primary_metric: metric }: ImageJob,
  trials: readonly TriedTrial[],
  { value, deviation }: { value: number; deviation: number },
): string {
  const best = bestTried(trials);
  const known = best ? `; the best so far is ${figure(best.value)}, of trial ${best.trial.number}` : '';
  return `promises the most of what was not tried: ${metric} ${figure(value)} ± ${figure(deviation)} is expected${known}`;
}

/** The random numbers of one trial of a job. */
function trialRandom(seed: number, number: number): RandomSource {
  // Jobs whose seeds are neighbours shall not have each other's trials.
  return createRng(createRng(seed).int(2 ** 32) + number).uniform;
}
