import { createRng } from '@fovea/data';
import { gridPoints } from '../search/grid-points.ts';
import { sampleRandom } from '../search/sample-random.ts';
import type { Assignment, SubSpace } from '../search/space.ts';
import { type ImageJob, jobMode } from '../spec/job.ts';
import { defaultOf } from '../spec/resolve-hyperparameters.ts';

/**
 * What each trial of a job draws from its search space, in order: as many as `max_trials` and the space allow. A job without a
 * search space has one trial that draws nothing. The same job gives the same trials each time, so that one that was cut off goes
 * on with them.
 *
 * @param models the models that AutoMode chooses from, small ones first
 */
export function planTrials(job: ImageJob, models: readonly string[]): Assignment[] {
  const { max_trials: count } = job.limits;
  const random = createRng(job.training_parameters.random_seed ?? 42).uniform;
  const draw = (space: readonly SubSpace[]) => Array.from({ length: count }, () => sampleRandom(space, random));
  switch (jobMode(job)) {
    case 'individual':
      return [{}];
    case 'automode':
      return automodeTrials(job, models, draw);
    case 'sweep': {
      const space = job.search_space as SubSpace[];
      return job.sweep?.sampling_algorithm === 'grid' ? gridPoints(space).take(count).toArray() : draw(space);
    }
  }
}

/**
 * AutoMode: every model once with its defaults, small ones first, then random hyperparameters near the defaults. What the job fixes
 * in `training_parameters` stays fixed for every trial, the model too.
 */
function automodeTrials(
  job: ImageJob,
  models: readonly string[],
  draw: (space: readonly SubSpace[]) => Assignment[],
): Assignment[] {
  const fixed = job.training_parameters;
  const candidates = fixed.model_name ? [fixed.model_name] : models;
  const near = candidates.map((model): SubSpace => {
    const rate = Math.log(defaultOf('learning_rate', job.task, model) as number);
    const varied: SubSpace = {
      model_name: model,
      learning_rate: { type: 'loguniform', min_value: rate - Math.log(4), max_value: rate + Math.log(4) },
      optimizer: { type: 'choice', values: ['sgd', 'adamw'] },
      weight_decay: { type: 'loguniform', min_value: Math.log(1e-5), max_value: Math.log(1e-3) },
    };
    return Object.fromEntries(Object.entries(varied).filter(([name]) => name === 'model_name' || !(name in fixed)));
  });
  return [...candidates.map((model) => ({ model_name: model })), ...draw(near)].slice(0, job.limits.max_trials);
}
