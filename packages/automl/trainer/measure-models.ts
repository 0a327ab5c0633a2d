import { cudaIsAvailable, manualSeed, memoryUse, type nn, setNumThreads } from '@fovea/torch';
import type { Report } from '../job/events.ts';
import type { JobData } from '../job/prepare-data.ts';
import { type JobSetting, readPreparedData } from '../job/prepare-job.ts';
import type { MeasuredModel } from '../search/search-state.ts';
import type { Assignment } from '../search/space.ts';
import { defaultLimits, type ImageJob } from '../spec/job.ts';
import { type Hyperparameters, trialHyperparameters } from '../spec/resolve-hyperparameters.ts';
import { prepareClassifier } from './classification-trial.ts';
import { prepareDetector } from './detection-trial.ts';
import type { DetectorHyperparameters } from './detector-hyperparameters.ts';
import { boundMemory } from './memory-bound.ts';
import type { Preparation, PreparedTrial } from './prepared-trial.ts';
import type { Sample } from './training-task.ts';
import { withTrialSteps } from './trial-steps.ts';

/** A job that was prepared, with what its trials have in common. */
export interface MeasuredJob {
  job: ImageJob & { name: string };
  setting: JobSetting;
  /** Of the job. */
  folder: string;
  cacheFolder: string;
}

export interface MeasureOptions {
  /** CPU threads that a trial may use. */
  threads: number;
  /** Until the job's time is up. */
  secondsLeft: number;
  report: Report;
  signal: AbortSignal;
}

/** On a CPU a step of so many images tells what one of a whole batch takes; on a GPU only the batch itself does. */
const IMAGES_ON_CPU = 8;
/** Validation goes forward only. */
const VALIDATION = 1 / 3;
/** Of a trial, besides what it takes to load its model: a process, images that are decoded for the first time, the export and its check. */
const AROUND_SECONDS = 5;
/** The part of the time that measuring may take. */
const MEASURING = 0.05;
/** Without a limit of time: what takes longer in one trial is for other machines. */
const A_DAY = 24 * 3600;

/**
 * Times a few training steps of each model in this process, as AutoMode wants to know before its first trial: what its trials would train
 * with, how long they take, and whether the machine can hold them. Models come in the order in which they are given, cheap ones first;
 * once one takes longer than the job has, those with more parameters are not tried. What goes wrong with a model is told of it, and
 * stops nothing else.
 *
 * @param models by `modelsToMeasure`
 * @throws the signal's reason when it is aborted
 */
export async function measureModels(
  measured: MeasuredJob,
  models: readonly string[],
  options: MeasureOptions,
): Promise<MeasuredModel[]> {
  const { job, setting, folder } = measured;
  const { signal, report, threads, secondsLeft } = options;
  setNumThreads(threads);
  boundMemory();
  const data = await readPreparedData(job, folder);
  const isLimited = job.limits.timeout_minutes !== defaultLimits.timeout_minutes;
  const most = isLimited ? secondsLeft : A_DAY;
  const isNamed = setting.earlier !== null || (setting.weights !== undefined && setting.weights !== 'none');
  const start = performance.now();
  const found: MeasuredModel[] = [];
  for (const [i, model] of models.entries()) {
    signal.throwIfAborted();
    report({ type: 'phase', name: 'precision', message: `timing ${model}`, done: i, total: models.length });
    const one = await measureOne(model, data, { ...measured, ...options, most, isNamed });
    found.push(one);
    report({ type: 'log', level: 'info', message: describe(one) });
    const others = models.slice(i + 1);
    const why = endsMeasuring(one, { most, isNamed, seconds: (performance.now() - start) / 1000 });
    if (why === null || others.length === 0) continue;
    report({ type: 'log', level: 'info', message: `left out: ${others.join(', ')}: ${why}` });
    return [...found, ...others.map((other) => unfit(other, why))];
  }
  return found;
}

/** Why no larger model is timed after this one; null when they are. */
function endsMeasuring(
  { model, fits, secondsPerFullEpoch }: MeasuredModel,
  { most, isNamed, seconds }: { most: number; isNamed: boolean; seconds: number },
): string | null {
  if (secondsPerFullEpoch > most) return `larger than ${model}, of which an epoch takes longer than there is`;
  if (isNamed && fits) return `the weights that are named are those of ${model}`;
  return seconds > MEASURING * most ? 'there was no time left to time them' : null;
}

const unfit = (model: string, why: string): MeasuredModel => ({
  ...{ model, fits: false, why, secondsPerEpoch: 0, secondsPerFullEpoch: 0, startSeconds: 0, peakMemoryBytes: 0 },
  ...{ pretrained: false, hyperparameters: {} },
});

/** `mobilenetv2: 12.3 s an epoch, 31.0 s with every layer learning; weights that know images` */
function describe({ model, fits, why, secondsPerEpoch, secondsPerFullEpoch, pretrained }: MeasuredModel): string {
  if (!fits) return `${model} is left out: ${why}`;
  const seconds = `${secondsPerEpoch.toFixed(1)} s an epoch, ${secondsPerFullEpoch.toFixed(1)} s with every layer learning`;
  return `${model}: ${seconds}; ${pretrained ? 'pretrained' : 'random'} weights`;
}

type One = MeasuredJob & MeasureOptions & { most: number; isNamed: boolean };

async function measureOne(model: string, data: JobData, one: One): Promise<MeasuredModel> {
  const { job, setting, signal, most, isNamed } = one;
  try {
    const given = trialHyperparameters(job, { model_name: model });
    const own = new Set([...Object.keys(job.training_parameters), 'model_name']);
    const fit = () => timed(data, { given, own, weights: setting.weights, earlier: setting.earlier }, one);
    // Weights that are named fit one model, or do not; those that would be fetched are not, for a model that takes too long.
    const named = isNamed ? await fit() : null;
    const all = {
      given: { ...given, layers_to_freeze: 0 },
      own: new Set([...own, 'layers_to_freeze']),
      weights: 'none',
    };
    const full = await timed(data, { ...all, earlier: null }, one);
    if (full.startSeconds + full.secondsPerEpoch * VALIDATION > most) {
      const minutes = Math.ceil(full.secondsPerEpoch / 60);
      const why = `an epoch takes about ${minutes} min, longer than there is`;
      return { ...full, model, fits: false, why, secondsPerFullEpoch: full.secondsPerEpoch };
    }
    const fitted = named ?? (await fit());
    const asLarge = full.secondsPerEpoch * pixelsBy(full.hyperparameters, fitted.hyperparameters);
    return { ...fitted, model, fits: true, secondsPerFullEpoch: Math.max(fitted.secondsPerEpoch, asLarge) };
  } catch (error) {
    if (signal.aborted) throw error;
    const [why] = (error instanceof Error ? error.message : String(error)).split('\n');
    return unfit(model, why);
  }
}

/** How many times as many pixels a recipe's images have: random weights may have been timed on others. */
function pixelsBy(timedWith: Assignment, wanted: Assignment): number {
  const name = ['training_crop_size', 'image_size', 'min_size'].find((key) => typeof timedWith[key] === 'number');
  return name === undefined ? 1 : (Number(wanted[name]) / Number(timedWith[name])) ** 2;
}

interface Timing {
  given: Hyperparameters;
  own: ReadonlySet<string>;
  weights: string | undefined;
  earlier: JobSetting['earlier'];
}

/** A model with its weights and its recipe, and the time of a step. */
async function timed(data: JobData, { given, own, weights, earlier }: Timing, one: One) {
  const { job, signal, cacheFolder } = one;
  const device = cudaIsAvailable() ? 'cuda' : 'cpu';
  manualSeed(given.random_seed);
  const start = performance.now();
  const context: Preparation = {
    ...{ task: job.task, cacheFolder, weights, earlier, given: own, fitToData: true },
    ...{ report: () => {}, signal },
  };
  const before = memoryUse({ restart: true }).now;
  if (data.kind === 'objects') {
    const hp = given as unknown as DetectorHyperparameters;
    return stepsOf(await prepareDetector(hp, null, { context, data, device }), { device, start, before });
  }
  return stepsOf(await prepareClassifier(given, null, { context, data, device }), { device, start, before });
}

function stepsOf<S extends Sample, A>(
  { task, hyperparameters, measured, rehearsal, origin }: PreparedTrial<S, A>,
  { device, start, before }: { device: string; start: number; before: number },
): Omit<MeasuredModel, 'model' | 'fits' | 'secondsPerFullEpoch'> {
  const loading = (performance.now() - start) / 1000;
  const { training_batch_size: batch } = hyperparameters;
  const images = device === 'cpu' ? Math.min(batch, IMAGES_ON_CPU) : batch;
  const weights = memoryUse({ restart: true }).now;
  const seconds = withTrialSteps(task.model, rehearsal.step, (step) => {
    step(images, measured.precision);
    const from = performance.now();
    step(images, measured.precision);
    return (performance.now() - from) / 1000;
  });
  const perImage = seconds / images / rehearsal.pixels;
  const ofImages = memoryUse().most - weights;
  free(task.model);
  return {
    secondsPerEpoch: perImage * (task.trainingImages + VALIDATION * task.validationImages),
    startSeconds: loading + AROUND_SECONDS,
    peakMemoryBytes: Math.round(weights - before + (ofImages * batch) / images / rehearsal.pixels),
    pretrained: origin.pretrained,
    hyperparameters: { ...hyperparameters } as unknown as Assignment,
  };
}

/** At once: the next model needs the memory. */
function free(model: nn.AnyModule): void {
  for (const parameter of model.parameters()) parameter.dispose();
  for (const [, buffer] of model.namedBuffers()) buffer.dispose();
}
