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
  const all = isClassification(task) ? classifiersBySize() : detectorsOf(task);
  const fitting = all.filter((name) => takes(task, name, fixed));
  return fitting.length > 0 ? fitting : all;
}

function classifiersBySize(): string[] {
  const size = (name: string) => findModel(name).parameters;
  return modelNames.image_classification.filter(isModelName).toSorted((a, b) => size(a) - size(b));
}

function detectorsOf(task: Task): string[] {
  const names: readonly string[] = modelNames[task];
  return names.filter((name) => detectorNames().includes(name));
}

function takes(task: Task, name: string, fixed: GivenHyperparameters): boolean {
  try {
    resolveHyperparameters(task, name, fixed);
    return true;
  } catch (error) {
    if (!(error instanceof IssuesError)) throw error;
    return false;
  }
}
