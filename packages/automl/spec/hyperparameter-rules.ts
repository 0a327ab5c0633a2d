import { findModel, isModelName, sizesInWords, takesSize } from '@fovea/vision';
import type { HyperparameterName } from './hyperparameters.ts';
import { freezableGroups } from './tasks.ts';

/** A condition between a model and the values of some hyperparameters. */
export interface Rule {
  /** In the order in which the values are handed to `broken`; the first one that a job gives is the one to point at. */
  readonly involves: readonly [HyperparameterName, ...HyperparameterName[]];
  readonly concerns: (model: string) => boolean;
  /** What is wrong with these values, as a sentence; undefined when nothing is. */
  readonly broken: (model: string, ...values: readonly unknown[]) => string | undefined;
  readonly hint: (model: string) => string;
  /** Whether a range of values whose ends are both wrong is wrong as a whole. */
  readonly holdsBetweenEnds: boolean;
}

/** The entry of a classifier; undefined for other models. */
const classifierOf = (model: string) => (isModelName(model) ? findModel(model) : undefined);

export const rules: readonly Rule[] = [
  {
    involves: ['training_crop_size', 'validation_crop_size'],
    concerns: (model) => classifierOf(model)?.input.oneSize ?? false,
    broken: (model, training, validation) =>
      training === validation
        ? undefined
        : `${model} sees images of one size: training_crop_size ${training} and validation_crop_size ${validation} must be equal`,
    hint: () => 'give training_crop_size and validation_crop_size the same value',
    holdsBetweenEnds: false,
  },
  ...(['training_crop_size', 'validation_crop_size'] as const).map(
    (name): Rule => ({
      involves: [name],
      concerns: (model) => classifierOf(model) !== undefined,
      broken: (model, size) => {
        const entry = classifierOf(model);
        return entry && !takesSize(entry, Number(size)) ? `${model} does not take a ${name} of ${size}` : undefined;
      },
      hint: (model) => `${model} takes ${sizesInWords(findModel(model))}`,
      holdsBetweenEnds: false,
    }),
  ),
  {
    involves: ['layers_to_freeze'],
    concerns: (model) => freezableGroups(model) !== undefined,
    broken: (model, count) => {
      const groups = freezableGroups(model);
      return groups !== undefined && Number(count) > groups
        ? `layers_to_freeze is ${count}, but ${model} has ${groups} groups of layers`
        : undefined;
    },
    hint: () => 'each group is counted from the input on; 0 freezes none',
    holdsBetweenEnds: true,
  },
  {
    involves: ['validation_crop_size', 'validation_resize_size'],
    concerns: () => true,
    broken: (_, crop, resize) =>
      Number(crop) > Number(resize)
        ? `validation_crop_size ${crop} is larger than validation_resize_size ${resize}, from which it is cut`
        : undefined,
    hint: () => 'validation_resize_size must be at least validation_crop_size; they are 256 and 224 when left out',
    holdsBetweenEnds: true,
  },
  {
    involves: ['min_size', 'max_size'],
    concerns: () => true,
    broken: (_, min, max) =>
      Number(min) > Number(max) ? `min_size ${min} is greater than max_size ${max}` : undefined,
    hint: () => 'they are 600 and 1333 when left out',
    holdsBetweenEnds: true,
  },
  ...(
    [
      ['checkpoint_dataset_id', 'checkpoint_filename'],
      ['checkpoint_filename', 'checkpoint_dataset_id'],
    ] as const
  ).map(
    ([given, other]): Rule => ({
      involves: [given, other],
      concerns: () => true,
      broken: (_, value, otherValue) =>
        value !== null && otherValue === null ? `${given} is given without ${other}` : undefined,
      hint: () => 'the two name a checkpoint together',
      holdsBetweenEnds: true,
    }),
  ),
];
