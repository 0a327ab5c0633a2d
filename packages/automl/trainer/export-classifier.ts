import type { nn } from '@fovea/torch';
import type { Classifier } from '@fovea/vision';
import type { Report } from '../job/events.ts';
import type { ModelTask, WeightsOrigin } from '../model-folder/layout.ts';
import { exportOnnx } from '../onnx/export.ts';
import { verifyOnnx } from '../onnx/verify.ts';
import type { SizedHyperparameters } from './batch-size.ts';
import type { FinishedTraining } from './prepared-trial.ts';
import { writeTrialOutputs } from './trial-outputs.ts';

interface TrainedClassifier extends FinishedTraining {
  model: nn.Module;
  task: ModelTask;
  entry: Classifier;
  hyperparameters: SizedHyperparameters;
  origin: WeightsOrigin;
  classes: readonly string[];
}

/**
 * Makes of a trained classifier what others use: the ONNX graph, checked against the engine, and what `writeTrialOutputs` lists.
 *
 * @throws OnnxError when the graph does not compute what the engine does
 */
export async function exportClassifier(
  { model, task, entry, hyperparameters: hp, origin, classes, ...finished }: TrainedClassifier,
  { report }: { report: Report },
): Promise<void> {
  const { job, trial, folder, weights, best, device } = finished;
  const { mean, std } = entry.input;
  const normalisation = hp.enable_onnx_normalization ? { mean, std } : undefined;
  const size = hp.validation_crop_size;
  model.to({ device: 'cpu', memoryFormat: 'contiguous' });
  const onnx = exportOnnx(model, {
    inputShape: [1, 3, size, size],
    normalisation,
    metadata: { labels: JSON.stringify(classes), model_name: entry.name },
  });
  const { maxAbsDifference } = await verifyOnnx(onnx, model, { image: [3, size, size], normalisation });
  report({ type: 'verified', trial, maxAbsDifference });

  await writeTrialOutputs(folder, {
    task,
    modelName: entry.name,
    labels: classes,
    input: { mean, std, interpolation: 'bilinear', normalised_in_graph: normalisation !== undefined },
    settings: { valid_resize_size: hp.validation_resize_size, valid_crop_size: size },
    weights: model.stateDict(),
    stored: { weights },
    onnx,
    training: {
      job,
      trial,
      epoch: best.epoch,
      metrics: best.metrics,
      hyperparameters: hp,
      onnx_max_abs_difference: maxAbsDifference,
      device,
    },
    weightsOrigin: origin,
  });
}
