import { createRng } from '@fovea/data';
import { defaultOf } from '../../spec/resolve-hyperparameters.ts';
import { samplingOf } from '../../spec/sampling.ts';
import type { ChosenTrial, SearchState } from '../search-state.ts';
import type { SubSpace } from '../space.ts';
import { draw } from '../space-tree.ts';

/** Every model once with its defaults, small ones first, then random hyperparameters near the defaults. */
export function nextAutomodeTrial({ job, models }: SearchState, number: number): ChosenTrial | 'wait' | null {
  const fixed = job.training_parameters;
  const candidates = fixed.model_name ? [fixed.model_name] : models;
  if (number < candidates.length) {
    const model_name = candidates[number];
    return { draw: { model_name }, because: `${model_name} with its defaults; small models come first` };
  }
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
  const random = createRng(createRng(samplingOf(job).seed).int(2 ** 32) + number).uniform;
  return { draw: draw(near, random), because: 'random hyperparameters near the defaults' };
}
