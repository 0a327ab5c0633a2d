import { findModel, isModelName } from '@fovea/vision';
import { modelNames } from './tasks.ts';

/** The classifiers of the contract that can be trained: those that the vision package has, smallest first. */
export function runnableModels(): string[] {
  return modelNames.image_classification.filter((name) => isModelName(name) && findModel(name).name === name);
}
