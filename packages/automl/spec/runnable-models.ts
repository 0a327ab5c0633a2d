import { findModel, isModelName } from '@fovea/vision';
import { modelNames } from './tasks.ts';

/** The classifiers that can be trained: those that the vision package has, smallest first. */
export function runnableModels(): string[] {
  const size = (name: string) => findModel(name).parameters;
  return modelNames.image_classification.filter(isModelName).toSorted((a, b) => size(a) - size(b));
}
