import { join } from 'node:path';
import { readSafetensors } from '@fovea/torch';
import type { Classifier } from '@fovea/vision';
import type { Report } from '../job/events.ts';
import { type EpochRecord, writeFileWhole } from '../job/job-record.ts';
import type { WeightsOrigin } from '../model-folder/layout.ts';
import { exportOnnx } from '../onnx/export.ts';
import { verifyOnnx } from '../onnx/verify.ts';
import { trialReport } from '../report/trial-report.ts';
import type { Progress } from './checkpoint.ts';
import { evaluate, type Training, trainingFiles } from './train.ts';
import { reportOf, writeTrialOutputs } from './trial-outputs.ts';

/** What the finished model's papers say besides its training. */
interface Provenance {
  job: string;
  entry: Classifier;
  origin: WeightsOrigin;
  best: EpochRecord;
  progress: Progress;
}

/**
 * Makes of a trained trial what others use: the best epoch's weights judged once more for the tables of the charts, the ONNX graph
 * checked against the engine, and what `writeTrialOutputs` lists.
 *
 * @throws OnnxError when the graph does not compute what the engine does
 */
export async function finishTrial(
  training: Training,
  { job, entry, origin, best, progress }: Provenance,
  { report, signal }: { report: Report; signal: AbortSignal },
): Promise<void> {
  const { model, task, folder, hyperparameters: hp, trial, device } = training;
  report({ type: 'phase', name: 'export', message: 'exporting and checking the ONNX graph' });
  const { best: bestWeights } = trainingFiles(folder);
  const weights = await readSafetensors(bestWeights);
  model.loadStateDict(weights);
  for (const tensor of weights.values()) tensor.dispose();

  const evaluation = await evaluate(training, { progress, report, signal });
  const tables = evaluation.tables();
  const page = trialReport({
    trial,
    modelName: entry.name,
    primaryMetric: task.primaryMetric,
    bestEpoch: best.epoch,
    epochs: progress.history,
    tables,
  });
  const artifacts = join(folder, 'train_artifacts');
  for (const [name, table] of Object.entries(tables)) {
    writeFileWhole(join(artifacts, `${name}.json`), `${JSON.stringify(table)}\n`);
  }
  writeFileWhole(reportOf(folder), page);

  const { mean, std } = entry.input;
  const normalisation = hp.enable_onnx_normalization ? { mean, std } : undefined;
  const size = hp.validation_crop_size;
  model.to({ device: 'cpu', memoryFormat: 'contiguous' });
  const onnx = exportOnnx(model, {
    inputShape: [1, 3, size, size],
    normalisation,
    metadata: { labels: JSON.stringify(task.classes), model_name: entry.name },
  });
  const { maxAbsDifference } = await verifyOnnx(onnx, model, { image: [3, size, size], normalisation });
  report({ type: 'verified', trial, maxAbsDifference });

  await writeTrialOutputs(folder, {
    task: task.name,
    modelName: entry.name,
    labels: task.classes,
    input: { mean, std, interpolation: 'bilinear', normalised_in_graph: normalisation !== undefined },
    settings: { valid_resize_size: hp.validation_resize_size, valid_crop_size: size },
    weights: model.stateDict(),
    stored: { weights: bestWeights },
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
