import { samplingOf } from '../../spec/sampling.ts';
import { freezableGroups, isClassification } from '../../spec/tasks.ts';
import { experiencesOf, sampleBayesian } from '../sample-bayesian.ts';
import type { MeasuredModel, SearchState, TriedTrial } from '../search-state.ts';
import type { Assignment, SubSpace } from '../space.ts';
import { methodOf } from './plan.ts';
import { settled } from './seconds.ts';

/** Trials of a neighbourhood that are drawn evenly over it before a model says where. */
const COVERING = 4;

/** Hyperparameters near those of a trial that went well, by what the trials of its model tell; null where the job leaves nothing open. */
export function refined(state: SearchState, model: MeasuredModel, best: TriedTrial, number: number): Assignment | null {
  const varied = varying(state, model, best.draw);
  if (Object.keys(varied).length === 0) return null;
  const space = { ...methodOf(best.draw), ...varied } as SubSpace;
  const names = Object.keys(space);
  const known = state.trials
    .filter(({ draw }) => draw.model_name === model.model)
    .map((trial) => {
      const all = settled(model, trial.draw);
      return {
        ...trial,
        draw: Object.fromEntries(names.map((name) => [name, name === 'model_name' ? model.model : all[name]])),
      };
    });
  const seed = samplingOf(state.job).seed;
  return sampleBayesian(space, experiencesOf(known), { number, seed, covering: COVERING }).assignment;
}

/** What is varied around a draw, and how far; what else it says stays. */
function varying({ job }: SearchState, model: MeasuredModel, draw: Assignment): SubSpace {
  const all = settled(model, draw);
  const rate = Number(all.learning_rate);
  const stages = freezableGroups(model.model) ?? 0;
  const frozen = Number(all.layers_to_freeze ?? 0);
  const near = [frozen - 4, frozen - 2, frozen, frozen + 2].filter((count) => count >= 0 && count <= stages);
  const space: SubSpace = {
    learning_rate: {
      type: 'loguniform',
      min_value: Math.log(rate / 3),
      max_value: Math.min(0, Math.log(rate * 3)),
    },
    weight_decay: { type: 'loguniform', min_value: Math.log(1e-5), max_value: Math.log(1e-3) },
    // Layers that know nothing have to learn.
    ...(model.pretrained && { layers_to_freeze: { type: 'choice', values: near } }),
    ...(isClassification(job.task) && { label_smoothing_factor: { type: 'uniform', min_value: 0, max_value: 0.15 } }),
  };
  return Object.fromEntries(Object.entries(space).filter(([name]) => !(name in job.training_parameters)));
}
