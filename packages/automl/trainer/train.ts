import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { getRandomState, manualSeed, setRandomState, tidy, writeSafetensors } from '@fovea/torch';
import type { Report } from '../job/events.ts';
import { writeFileWhole } from '../job/write-file-whole.ts';
import type { Hyperparameters } from '../spec/resolve-hyperparameters.ts';
import { isBetterEpoch } from './best-epoch.ts';
import { loadCheckpoint, type Progress, saveCheckpoint } from './checkpoint.ts';
import { freshStopper, observe } from './early-stopping.ts';
import { addGradients } from './gradients.ts';
import { type ImageStream, partOf, shuffledBatches } from './image-stream.ts';
import { inPieces } from './in-pieces.ts';
import { createOptimizer, learningRateFactor, type OptimizerSettings, type ScheduleSettings } from './optimization.ts';
import type { Precision } from './precision.ts';
import type { TrialContext } from './prepared-trial.ts';
import { StepClock } from './step-clock.ts';
import type { Evaluation, Sample, TrainingTask } from './training-task.ts';
import { WeightAverage } from './weight-average.ts';

/** The hyperparameters that the loop itself goes by; the others are the task's. */
export type LoopSettings = OptimizerSettings &
  ScheduleSettings &
  Pick<
    Hyperparameters,
    | 'gradient_accumulation_step'
    | 'evaluation_frequency'
    | 'checkpoint_frequency'
    | 'early_stopping'
    | 'early_stopping_patience'
    | 'early_stopping_delay'
  > & { training_batch_size: number; validation_batch_size: number };

/** A trial, ready to train. */
export interface Training<S extends Sample, A> {
  trial: string;
  folder: string;
  task: TrainingTask<S, A>;
  images: ImageStream<S>;
  hyperparameters: LoopSettings;
  /** Used by a fresh run; one that goes on keeps the precision it began with. */
  precision: Precision;
  device: string;
  seed: number;
}

/** The files that training leaves in a trial's folder; `train_artifacts` is Azure's name. */
export const trainingFiles = (folder: string) => ({
  last: join(folder, 'checkpoints', 'last.safetensors'),
  best: join(folder, 'train_artifacts', 'checkpoint_best.safetensors'),
  ofEpoch: (epoch: number) => join(folder, 'train_artifacts', `checkpoint_epoch_${epoch}.safetensors`),
  metrics: join(folder, 'metrics.jsonl'),
});

/**
 * Trains a model to its last epoch, or until it gets no better. Every epoch ends with a checkpoint; a run that was cut off goes on
 * from the last one, to the same numbers. The weights of the best epoch are in `trainingFiles(folder).best` at the end. Where the task
 * has weights averaged, the averages are what is judged and kept.
 *
 * @param options.endEarly asked after each evaluation, with all so far; true ends training (early termination of a sweep)
 * @param options.isTimeUp true stops at once; an epoch that is not finished by then does not count
 * @throws the signal's reason when it is aborted; the checkpoint of the last finished epoch stays
 * @throws DivergedError when the loss is not a number any more
 */
export async function train<S extends Sample, A>(
  training: Training<S, A>,
  {
    report,
    signal,
    isTimeUp,
    endEarly,
  }: { report: Report; signal: AbortSignal } & Pick<TrialContext, 'isTimeUp' | 'endEarly'>,
): Promise<Progress> {
  const { trial, folder, task, images, hyperparameters: hp, device, seed } = training;
  const { model, trainingImages } = task;
  const files = trainingFiles(folder);
  for (const file of [files.last, files.best]) mkdirSync(dirname(file), { recursive: true });

  const optimizer = createOptimizer(model, hp, task);
  manualSeed(seed);
  const saved = await loadCheckpoint(files.last, { model, optimizer });
  if (saved) setRandomState(saved.random);
  let progress = saved?.progress ?? freshProgress(training.precision);
  model.to({ device, memoryFormat: progress.precision.memoryFormat });
  using average = task.averagesWeights ? new WeightAverage(model, saved?.average) : null;
  for (const tensor of saved?.average?.tensors.values() ?? []) tensor.dispose();
  /** What is judged, kept and served. */
  const servedWeights = () => average?.state().tensors ?? model.stateDict();

  const batchSize = hp.training_batch_size;
  const clock = new StepClock((hp.number_of_epochs - progress.epochs) * trainingImages);
  for (let epoch = progress.epochs; epoch < hp.number_of_epochs && !progress.stopped; epoch++) {
    const batches = shuffledBatches(trainingImages, batchSize, seed, epoch);
    const stepsPerEpoch = Math.ceil(batches.length / hp.gradient_accumulation_step);
    const started = performance.now();
    const waited = images.waitedMilliseconds;
    let step = epoch * stepsPerEpoch;
    let factor = 0;
    let lossSum = 0;
    const partSums: Record<string, number> = {};

    model.train();
    clock.resume();
    for await (const batch of images.training(batches, seed, epoch, signal)) {
      await nextTurn(); // signals and timers get their turn between steps
      signal.throwIfAborted();
      if (isTimeUp()) return progress;
      factor = learningRateFactor(hp, { step, epoch, stepsPerEpoch });
      const { loss, parts, pieces } = addGradients(training, batch, {
        precision: progress.precision,
        pieces: progress.pieces.training,
        onShortage: shortage(report, 'training', batchSize),
      });
      progress.pieces.training = pieces;
      if (!Number.isFinite(loss)) throw new DivergedError(loss, step, hp.learning_rate * factor, batch.samples);
      if ((batch.index + 1) % hp.gradient_accumulation_step === 0 || batch.index + 1 === batches.length) {
        optimizer.setLearningRate(factor);
        optimizer.step();
        optimizer.zeroGrad();
        average?.update();
        step++;
      }
      const count = batch.samples.length;
      lossSum += loss * count;
      for (const [name, part] of Object.entries(parts)) partSums[name] = (partSums[name] ?? 0) + part * count;
      clock.tick(count);
      report({
        type: 'step',
        trial,
        epoch: epoch + 1,
        epochs: hp.number_of_epochs,
        step: batch.index + 1,
        steps: batches.length,
        imagesPerSecond: clock.imagesPerSecond,
        etaSeconds: clock.secondsLeft,
        loss,
        metricName: task.primaryMetric,
        best:
          progress.best?.metrics[task.primaryMetric] !== undefined
            ? { value: progress.best.metrics[task.primaryMetric], epoch: progress.best.epoch }
            : undefined,
      });
    }
    const milliseconds = performance.now() - started;
    const dataWait = (images.waitedMilliseconds - waited) / milliseconds;
    progress = { ...progress, epochs: epoch + 1, seconds: progress.seconds + milliseconds / 1000 };

    if ((epoch + 1) % hp.evaluation_frequency === 0 || epoch + 1 === hp.number_of_epochs) {
      const judge = () => evaluate(training, { progress, report, signal });
      const { metrics: judged } = await (average ? average.inModel(judge) : judge());
      const metrics = {
        ...judged,
        train_loss: lossSum / trainingImages,
        ...Object.fromEntries(Object.entries(partSums).map(([name, sum]) => [`train_${name}`, sum / trainingImages])),
        learning_rate: hp.learning_rate * factor,
        images_per_second: clock.imagesPerSecond,
        data_wait_fraction: dataWait,
      };
      const record = { epoch: epoch + 1, metrics };
      const value = judged[task.primaryMetric];
      // Where nothing is measured, nothing tells that it gets no better.
      const { state, stop } =
        value === undefined
          ? { state: progress.stopper, stop: false }
          : observe(progress.stopper, value, {
              patience: hp.early_stopping_patience,
              delay: hp.early_stopping_delay,
            });
      const improved = isBetterEpoch(judged, progress.best?.metrics ?? null, task.primaryMetric);
      if (improved) await writeSafetensors(files.best, servedWeights());
      const history = [...progress.history, record];
      const isEndedEarly = await endEarly(history);
      const stopped = (hp.early_stopping && stop) || isEndedEarly;
      progress = { ...progress, history, stopped, stopper: state, best: improved ? record : progress.best };
      report({ type: 'epoch', trial, epoch: epoch + 1, epochs: hp.number_of_epochs, metrics, improved });
    }
    if (hp.checkpoint_frequency && (epoch + 1) % hp.checkpoint_frequency === 0) {
      await writeSafetensors(files.ofEpoch(epoch + 1), servedWeights());
    }
    await saveCheckpoint(files.last, { model, optimizer, average, random: getRandomState(), progress });
    writeFileWhole(files.metrics, progress.history.map((record) => `${JSON.stringify(record)}\n`).join(''));
  }
  return progress;
}

const freshProgress = (precision: Precision): Progress => ({
  epochs: 0,
  best: null,
  stopper: freshStopper(),
  history: [],
  precision,
  pieces: { training: 1, validation: 1 },
  stopped: false,
  seconds: 0,
});

/** The model's answers on the validation images, judged. Always in float32: what is measured is what will be served. */
export async function evaluate<S extends Sample, A>(
  training: Training<S, A>,
  { progress, report, signal }: { progress: Pick<Progress, 'pieces'>; report: Report; signal: AbortSignal },
): Promise<Evaluation> {
  const { task, images, hyperparameters: hp, device } = training;
  task.model.eval();
  const parts: A[] = [];
  const batchSize = hp.validation_batch_size;
  for await (const batch of images.validation(batchSize, signal)) {
    signal.throwIfAborted();
    const answers = (start: number, end: number) => {
      const part = partOf(batch, start, end);
      return tidy(() => task.answers(images.input(part, device), part.samples));
    };
    const { result, pieces } = inPieces(
      batch.samples.length,
      { pieces: progress.pieces.validation, least: 1, onShortage: shortage(report, 'validation', batchSize) },
      (spans) => tidy(() => spans.map(([start, end]) => answers(start, end))),
    );
    progress.pieces.validation = pieces;
    parts.push(...result);
  }
  return task.judge(parts);
}

/** Says that batches are computed in pieces from now on, because memory did not suffice. */
const shortage = (report: Report, kind: 'training' | 'validation', batchSize: number) => (pieces: number) => {
  const images = Math.ceil(batchSize / pieces);
  const message =
    kind === 'training'
      ? `out of memory: batches of ${batchSize} images go on as ${pieces} of ${images}, whose gradients are accumulated; the step is repeated`
      : `out of memory: validation goes on with ${images} images at a time`;
  report({ type: 'log', level: 'warning', message });
};

/** The loss was not a number: the learning rate is too high, or an image is broken in a way that decoding did not see. */
export class DivergedError extends Error {
  override readonly name = 'DivergedError';

  constructor(loss: number, step: number, learningRate: number, samples: readonly Pick<Sample, 'file'>[]) {
    const files = samples.slice(0, 8).map(({ file }) => `  ${file}`);
    const more = samples.length > 8 ? `\n  … and ${samples.length - 8} more` : '';
    super(
      `the loss became ${loss} at step ${step + 1} with a learning rate of ${learningRate.toPrecision(3)}; ` +
        `try a lower learning_rate. The batch was:\n${files.join('\n')}${more}`,
    );
  }
}
