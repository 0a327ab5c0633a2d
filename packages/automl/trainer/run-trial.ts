import { existsSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import type { ImageCache } from '@fovea/data';
import { cudaIsAvailable, manualSeed, type nn, setNumThreads, torchVersion } from '@fovea/torch';
import { type Classifier, createModel, findModel, freezeStages } from '@fovea/vision';
import type { Report } from '../job/events.ts';
import type { EpochRecord, TrialRecord } from '../job/job-record.ts';
import type { JobData } from '../job/prepare-data.ts';
import type { ModelTask, WeightsOrigin } from '../model-folder/layout.ts';
import type { Hyperparameters } from '../spec/resolve-hyperparameters.ts';
import { largestFittingBatch, largestUsefulBatch, type SizedHyperparameters } from './batch-size.ts';
import type { ClassificationTask } from './classification-task.ts';
import type { EarlierCheckpoint } from './earlier-checkpoint.ts';
import { finishTrial } from './finish-trial.ts';
import { ImageStream } from './image-stream.ts';
import { initialise } from './initial-weights.ts';
import { boundMemory } from './memory-bound.ts';
import { MultiClassTask } from './multi-class.ts';
import { MultiLabelTask } from './multi-label.ts';
import { describeMeasurement, type Precision } from './precision.ts';
import { recipe, warningOf } from './recipe.ts';
import { rememberedPrecision } from './remembered-precision.ts';
import { train, trainingFiles } from './train.ts';

/** What a trial needs besides its hyperparameters. */
export interface TrialContext {
  job: string;
  task: ModelTask;
  /** A folder of this trial alone. */
  folder: string;
  /** What the workspace remembers between jobs. */
  cacheFolder: string;
  /** Decoded images, of all trials of the job. */
  imageCache: ImageCache;
  data: JobData;
  /** A checkpoint's path, `none`, or nothing for ImageNet weights where they can be had. */
  weights: string | undefined;
  /** Of other training, which this one goes on with. */
  earlier: EarlierCheckpoint | null;
  /** The hyperparameters that the job itself names: these are never changed. */
  given: ReadonlySet<string>;
  /** Choose what the job leaves open by the amount of data, instead of the documented defaults. */
  fitToData: boolean;
  report: Report;
  signal: AbortSignal;
  /** When the job's time is up, milliseconds since 1970. What was reached until then is exported. */
  endsAt: number;
  endEarly: (history: readonly EpochRecord[]) => boolean;
}

/**
 * Trains, judges and exports one model; what comes out stands in `record`. A trial that was cut off goes on from its last finished
 * epoch.
 * @returns whether time was up before training ended
 * @throws whatever ends a trial: the signal's reason, DivergedError, TorchError, WeightsError, errors of the disk
 */
export async function runTrial(
  record: TrialRecord,
  hyperparameters: Hyperparameters,
  context: TrialContext,
): Promise<{ timedOut: boolean }> {
  const { folder, data, report, signal } = context;
  removeHalfWritten(folder);
  const device = cudaIsAvailable() ? 'cuda' : 'cpu';
  setNumThreads(availableParallelism());
  boundMemory();

  const entry = findModel(hyperparameters.model_name);
  manualSeed(hyperparameters.random_seed);
  const model = createModel(entry.name, { classes: data.classes.length, size: hyperparameters.training_crop_size });
  const origin = await initialise(model, entry, {
    classes: data.classes,
    earlier: context.earlier,
    choice: context.weights,
    report,
    signal,
  });
  let chosen = record.hyperparameters as Hyperparameters;
  if (!goesOn(record, folder)) {
    const circumstances = {
      images: data.train.records.length,
      pretrained: origin.pretrained,
      stages: entry.freeze.length,
      given: context.given,
      fitToData: context.fitToData,
    };
    const warning = warningOf(hyperparameters, circumstances);
    if (warning) report({ type: 'log', level: 'warning', message: warning });
    chosen = recipe(hyperparameters, circumstances);
  }
  freezeStages(model, entry, chosen.layers_to_freeze);
  model.to({ device });

  const measured = rememberedPrecision(context.cacheFolder, entry.name, model, {
    size: chosen.training_crop_size,
    device,
    onMeasure: () =>
      report({ type: 'phase', name: 'precision', message: 'timing a few steps to choose the arithmetic' }),
  });
  const hp = sized(chosen, model, {
    images: data.train.records.length,
    device,
    precision: measured.precision,
    report,
  });
  const task = taskOf(context, hp);
  const images = new ImageStream(task, entry.input, {
    workers: hp.number_of_workers ?? Math.max(1, availableParallelism() >> 1),
    cache: context.imageCache,
  });
  record.hyperparameters = hp;
  record.properties = {
    device: device === 'cpu' ? `cpu, ${availableParallelism()} threads` : device,
    libtorch: torchVersion(),
    parameters: String(model.parameterCount),
    precision: describeMeasurement(measured),
    weights: origin.weights,
    ...(origin.licence && { weights_licence: origin.licence }),
  };
  report({ type: 'log', level: 'info', message: introduce(entry, model, origin, hp, record) });
  try {
    const training = {
      trial: record.name,
      folder,
      model,
      task,
      images,
      hyperparameters: hp,
      train: data.train.records,
      validation: data.validation.records,
      precision: measured.precision,
      device,
      seed: hp.random_seed,
    };
    const progress = await train(training, {
      report,
      signal,
      endsAt: context.endsAt,
      endEarly: (history) => {
        record.epochs = [...history];
        return context.endEarly(history);
      },
    });
    if (!progress.best) throw new Error('time was up before the first evaluation');
    record.epochs = progress.history;
    record.best_epoch = progress.best.epoch;
    record.metrics = progress.best.metrics;
    await finishTrial(training, { job: context.job, entry, origin, best: progress.best, progress }, { report, signal });
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

/** Where a batch size is `auto`, the largest that fits. */
function sized(
  hp: Hyperparameters,
  model: nn.Module,
  { images, device, precision, report }: { images: number; device: string; precision: Precision; report: Report },
): SizedHyperparameters {
  let training = hp.training_batch_size;
  if (training === 'auto') {
    report({ type: 'phase', name: 'batch', message: 'trying how large a batch can be' });
    const useful = largestUsefulBatch(images);
    training = largestFittingBatch(model, { size: hp.training_crop_size, device, precision, most: useful });
    const reason =
      training < useful ? 'memory suffices for no more' : `a larger one would make few steps of ${images} images`;
    report({ type: 'log', level: 'info', message: `training_batch_size auto: ${training}; ${reason}` });
  }
  const validation = hp.validation_batch_size === 'auto' ? training : hp.validation_batch_size;
  return { ...hp, training_batch_size: training, validation_batch_size: validation };
}

function taskOf({ task, data }: TrialContext, hp: Hyperparameters): ClassificationTask {
  const Task = task === 'image_classification' ? MultiClassTask : MultiLabelTask;
  return new Task(data.classes, hp, data.train.records);
}

/** `mobilenetv2 3.5 M parameters · ImageNet weights (Apache-2.0) · 224 px · batch 64 · bf16 · 2 threads` */
function introduce(
  entry: Classifier,
  model: nn.Module,
  origin: WeightsOrigin,
  hp: Hyperparameters,
  record: TrialRecord,
): string {
  const millions = (model.parameterCount / 1e6).toFixed(1);
  const weights = origin.pretrained
    ? `weights ${origin.weights}${origin.licence ? ` (${origin.licence})` : ''}`
    : 'random weights';
  const [precision] = record.properties.precision.split(' (');
  return [
    `${entry.name} ${millions} M parameters`,
    weights,
    `${hp.training_crop_size} px`,
    `batch ${hp.training_batch_size}`,
    precision,
    record.properties.device,
  ].join(' · ');
}
