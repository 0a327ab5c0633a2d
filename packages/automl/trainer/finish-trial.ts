import { join } from 'node:path';
import { readSafetensors } from '@fovea/torch';
import type { Report } from '../job/events.ts';
import type { EpochRecord } from '../job/job-record.ts';
import { writeFileWhole } from '../job/write-file-whole.ts';
import { trialReport } from '../report/trial-report.ts';
import type { Progress } from './checkpoint.ts';
import type { PreparedTrial } from './prepared-trial.ts';
import { evaluate, type Training, trainingFiles } from './train.ts';
import type { Sample } from './training-task.ts';
import { reportOf } from './trial-paths.ts';

/**
 * Makes of a trained trial what others use: the best epoch's weights judged once more for the tables of the charts, a page of them,
 * and the model as its task exports it.
 *
 * @throws OnnxError when the exported graph does not compute what the engine does
 */
export async function finishTrial<S extends Sample, A>(
  training: Training<S, A>,
  { modelName, exportModel }: Pick<PreparedTrial<S, A>, 'modelName' | 'exportModel'>,
  { job, best, progress }: { job: string; best: EpochRecord; progress: Progress },
  { report, signal }: { report: Report; signal: AbortSignal },
): Promise<void> {
  const { task, folder, trial, device } = training;
  report({ type: 'phase', name: 'export', message: 'exporting and checking the ONNX graph' });
  const { best: bestWeights } = trainingFiles(folder);
  const weights = await readSafetensors(bestWeights);
  task.model.loadStateDict(weights);
  for (const tensor of weights.values()) tensor.dispose();

  const evaluation = await evaluate(training, { progress, report, signal });
  const tables = evaluation.tables();
  const page = trialReport({
    trial,
    modelName,
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
  await exportModel({ job, trial, folder, weights: bestWeights, best, device }, { report, signal });
}
