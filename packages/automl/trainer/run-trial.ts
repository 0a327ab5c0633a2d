import { existsSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cudaIsAvailable, manualSeed, setNumThreads, torchVersion } from '@fovea/torch';
import type { TrialRecord } from '../job/job-record.ts';
import type { Hyperparameters } from '../spec/resolve-hyperparameters.ts';
import type { Task } from '../spec/tasks.ts';
import { prepareClassifier } from './classification-trial.ts';
import { prepareDetector } from './detection-trial.ts';
import type { DetectorHyperparameters } from './detector-hyperparameters.ts';
import { finishTrial } from './finish-trial.ts';
import { ImageStream } from './image-stream.ts';
import { boundMemory } from './memory-bound.ts';
import { describeMeasurement } from './precision.ts';
import type { PreparedTrial, TrialContext } from './prepared-trial.ts';
import { train, trainingFiles } from './train.ts';
import type { Sample } from './training-task.ts';

/**
 * Trains, judges and exports one model; what comes out stands in `record`. A trial that was cut off goes on from its last finished
 * epoch.
 * @returns whether time was up before training ended
 * @throws whatever ends a trial: the signal's reason, DivergedError, TorchError, WeightsError, errors of the disk
 */
export async function runTrial(
  record: TrialRecord,
  hyperparameters: Hyperparameters<Task>,
  context: TrialContext,
): Promise<{ timedOut: boolean }> {
  const { folder, data } = context;
  removeHalfWritten(folder);
  const device = cudaIsAvailable() ? 'cuda' : 'cpu';
  setNumThreads(context.threads);
  boundMemory();
  manualSeed(hyperparameters.random_seed);
  const kept = goesOn(record, folder) ? record.hyperparameters : null;
  if (data.kind === 'objects') {
    const given = hyperparameters as DetectorHyperparameters;
    const prepared = await prepareDetector(given, kept as typeof given | null, { context, data, device });
    return trainPrepared(record, prepared, context, device);
  }
  const given = hyperparameters as Hyperparameters;
  const prepared = await prepareClassifier(given, kept as typeof given | null, { context, data, device });
  return trainPrepared(record, prepared, context, device);
}

async function trainPrepared<S extends Sample, A>(
  record: TrialRecord,
  prepared: PreparedTrial<S, A>,
  context: TrialContext,
  device: string,
): Promise<{ timedOut: boolean }> {
  const { folder, threads, report, signal } = context;
  const { task, hyperparameters: hp, origin, measured } = prepared;
  const images = new ImageStream(task, {
    workers: hp.number_of_workers ?? Math.max(1, threads >> 1),
    cache: context.imageCache,
  });
  record.hyperparameters = { ...hp };
  record.properties = {
    device: device === 'cpu' ? `cpu, ${threads} ${threads === 1 ? 'thread' : 'threads'}` : device,
    libtorch: torchVersion(),
    parameters: String(task.model.parameterCount),
    precision: describeMeasurement(measured),
    weights: origin.weights,
    ...(origin.licence && { weights_licence: origin.licence }),
  };
  report({ type: 'log', level: 'info', message: introduce(prepared, record) });
  await context.keep();
  try {
    const training = {
      trial: record.name,
      folder,
      task,
      images,
      hyperparameters: hp,
      precision: measured.precision,
      device,
      seed: hp.random_seed,
    };
    const progress = await train(training, {
      report,
      signal,
      isTimeUp: context.isTimeUp,
      endEarly: async (history) => {
        record.epochs = [...history];
        await context.keep();
        return context.endEarly(history);
      },
    });
    if (!progress.best) throw new Error('time was up before the first evaluation');
    record.epochs = progress.history;
    record.best_epoch = progress.best.epoch;
    record.metrics = progress.best.metrics;
    await finishTrial(training, prepared, { job: context.job, best: progress.best, progress }, { report, signal });
    record.properties.peak_memory_mib = String(Math.round(process.resourceUsage().maxRSS / 1024));
    return { timedOut: !progress.stopped && progress.epochs < hp.number_of_epochs };
  } finally {
    await images.close();
  }
}

/** Files are written under temporary names; those of a process that was killed stay behind. */
function removeHalfWritten(folder: string): void {
  if (!existsSync(folder)) return;
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (/^\..*\.(tmp|old)$/.test(basename(path))) rmSync(join(folder, path), { recursive: true, force: true });
  }
}

/** Whether epochs of the trial are finished already. It goes on with what was chosen for it then, whatever would be chosen now. */
const goesOn = ({ hyperparameters }: TrialRecord, folder: string): boolean =>
  existsSync(trainingFiles(folder).last) && 'training_batch_size' in hyperparameters;

/** `mobilenetv2 3.5 M parameters · weights … (Apache-2.0) · 224 px · batch 64 · bf16 · cpu, 2 threads` */
function introduce<S extends Sample, A>(
  { modelName, task, origin, hyperparameters, imageSize }: PreparedTrial<S, A>,
  record: TrialRecord,
): string {
  const millions = (task.model.parameterCount / 1e6).toFixed(1);
  const weights = origin.pretrained
    ? `weights ${origin.weights}${origin.licence ? ` (${origin.licence})` : ''}`
    : 'random weights';
  const [precision] = record.properties.precision.split(' (');
  return [
    `${modelName} ${millions} M parameters`,
    weights,
    imageSize,
    `batch ${hyperparameters.training_batch_size}`,
    precision,
    record.properties.device,
  ].join(' · ');
}
