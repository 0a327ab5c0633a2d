import { IssuesError } from '@fovea/data';
import { detectorNames, findModel, isModelName } from '@fovea/vision';
import type { GivenHyperparameters } from './job.ts';
import { resolveHyperparameters } from './resolve-hyperparameters.ts';
import { isClassification, modelNames, type Task } from './tasks.ts';

/**
 * The models that can be trained, smallest first: those that the vision package has.
 *
 * @param fixed hyperparameters that they must take, such as the sizes of images; all of them where no model does
 */
export function runnableModels(fixed: GivenHyperparameters = {}, task: Task = 'image_classification'): string[] {
  if (!isClassification(task)) {
    const names: readonly string[] = modelNames[task];
    return names.filter((name) => detectorNames().includes(name));
  }
  const size = (name: string) => findModel(name).parameters;
  const all = modelNames.image_classification.filter(isModelName).toSorted((a, b) => size(a) - size(b));
  const fitting = all.filter((name) => takes(name, fixed));
  return fitting.length > 0 ? fitting : all;
}

function takes(name: string, fixed: GivenHyperparameters): boolean {
  try {
    resolveHyperparameters('image_classification', name, fixed);
    return true;
  } catch (error) {
    if (!(error instanceof IssuesError)) throw error;
    return false;
  }
}
