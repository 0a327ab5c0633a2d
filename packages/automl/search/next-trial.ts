import { createRng } from '@fovea/data';
import { jobMode } from '../spec/job.ts';
import { samplingOf } from '../spec/sampling.ts';
import { nextAutomodeTrial } from './automode/next-automode-trial.ts';
import { gridPoints } from './grid-points.ts';
import { sampleSobol } from './sample-sobol.ts';
import type { ChosenTrial, SearchState } from './search-state.ts';
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

function nextOfSweep({ job }: SearchState, number: number): ChosenTrial | null {
  const space = job.search_space as Space;
  const most = job.limits.max_trials;
  const { type, rule, seed } = samplingOf(job);
  switch (type) {
    case 'grid': {
      const points = gridPoints(space).take(most).toArray();
      const place = `point ${number + 1} of ${points.length === most ? 'the grid' : `the grid's ${points.length}`}`;
      return number < points.length ? { draw: points[number], because: place } : null;
    }
    case 'bayesian':
    case 'random':
      if (rule === 'sobol') {
        return {
          draw: sampleSobol(space, number, seed),
          because: `point ${number + 1} of a Sobol sequence, seed ${seed}`,
        };
      }
      return { draw: draw(space, trialRandom(seed, number)), because: `drawn at random, seed ${seed}` };
  }
}

/** The random numbers of one trial of a job. */
function trialRandom(seed: number, number: number): RandomSource {
  // Jobs whose seeds are neighbours shall not have each other's trials.
  return createRng(createRng(seed).int(2 ** 32) + number).uniform;
}
