import type { Tensor } from '@fovea/torch';
import { createModel, findModel, freezeStages } from '@fovea/vision';
import type { ClassificationData } from '../job/prepare-data.ts';
import type { Hyperparameters } from '../spec/resolve-hyperparameters.ts';
import { type ClassificationSample, ClassificationTraining } from './classification-training.ts';
import { exportClassifier } from './export-classifier.ts';
import { initialise } from './initial-weights.ts';
import { MultiClassTask } from './multi-class.ts';
import { MultiLabelTask } from './multi-label.ts';
import { type Preparation, type PreparedTrial, settle } from './prepared-trial.ts';
import { recipe, warningOf } from './recipe.ts';
import { squaredOutputs } from './trial-steps.ts';

/**
 * A classifier with its weights, ready to train.
 *
 * @param kept the hyperparameters of a trial that goes on, whatever would be chosen now
 */
export async function prepareClassifier(
  given: Hyperparameters,
  kept: Hyperparameters | null,
  { context, data, device }: { context: Preparation; data: ClassificationData; device: string },
): Promise<PreparedTrial<ClassificationSample, Tensor>> {
  const { report, signal } = context;
  const entry = findModel(given.model_name);
  const model = createModel(entry.name, { classes: data.classes.length, size: given.training_crop_size });
  const origin = await initialise(model, entry, {
    classes: data.classes,
    earlier: context.earlier,
    choice: context.weights,
    report,
    signal,
  });
  const circumstances = {
    images: data.train.records.length,
    pretrained: origin.pretrained,
    stages: entry.freeze.length,
    given: context.given,
    fitToData: context.fitToData,
  };
  const warning = kept ? null : warningOf(given, circumstances);
  if (warning) report({ type: 'log', level: 'warning', message: warning });
  const chosen = kept ?? recipe(given, circumstances);
  freezeStages(model, entry, chosen.layers_to_freeze);
  model.to({ device });
  const step = squaredOutputs(model, { size: chosen.training_crop_size, device });
  const { hyperparameters, measured } = settle(chosen, model, {
    modelName: entry.name,
    size: chosen.training_crop_size,
    rehearse: step,
    images: data.train.records.length,
    context,
    device,
  });
  const name = context.task === 'image_classification_multilabel' ? context.task : 'image_classification';
  const Task = name === 'image_classification_multilabel' ? MultiLabelTask : MultiClassTask;
  const task = new ClassificationTraining({
    model,
    task: new Task(data.classes, hyperparameters, data.train.records),
    train: data.train.records,
    validation: data.validation.records,
    normalisation: entry.input,
  });
  return {
    task,
    modelName: entry.name,
    hyperparameters,
    origin,
    measured,
    rehearsal: { step, pixels: 1 },
    imageSize: `${chosen.training_crop_size} px`,
    exportModel: (finished, options) =>
      exportClassifier(
        { ...finished, task: name, model, entry, hyperparameters, origin, classes: data.classes },
        options,
      ),
  };
}
