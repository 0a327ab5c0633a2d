import { loadStateDict, type nn } from '@fovea/torch';
import {
  applyPretrained,
  type Classifier,
  type DetectorModel,
  type DetectorSettings,
  findModel,
  type LocatedWeights,
  locateWeights,
  type ObjectDetector,
  type WeightSource,
  WeightsError,
} from '@fovea/vision';
import type { Report } from '../job/events.ts';
import type { WeightsOrigin } from '../model-folder/layout.ts';
import type { Knowledge } from './detection-recipe.ts';
import type { EarlierCheckpoint } from './earlier-checkpoint.ts';

interface Start {
  classes: readonly string[];
  /** Of other training, for incremental training. */
  earlier: EarlierCheckpoint | null;
  /**
   * A checkpoint's path; `none` for random weights; without it, ImageNet weights where they can be had: not having them is said, and
   * training starts from random weights.
   */
  choice: string | undefined;
  report: Report;
  signal: AbortSignal;
}

/**
 * Gives a new model the weights that training starts from.
 *
 * @throws WeightsError or CheckpointError when the named file cannot be used
 */
export async function initialise(model: nn.Module, entry: Classifier, start: Start): Promise<WeightsOrigin> {
  const { choice, report } = start;
  const random = { pretrained: false, weights: 'random', licence: null };
  if (start.earlier) return continueFrom(start.earlier, model, entry, start);
  if (choice === 'none') return random;
  let located: LocatedWeights;
  try {
    located = await locate(entry.weights, start);
  } catch (error) {
    if (choice !== undefined || !(error instanceof WeightsError)) throw error;
    report({
      type: 'log',
      level: 'warning',
      message: `${error.message}\nTraining starts from random weights, and for more epochs where the job does not say how many.`,
    });
    return random;
  }
  // ImageNet's classes are never the job's, even where there are a thousand of them.
  await withNewHead(model, entry, () => applyPretrained(model, located.path, { head: entry.head }));
  return {
    pretrained: true,
    weights: located.path,
    licence: located.origin === 'given' ? null : entry.weights.licence,
  };
}

/** Finds published weights, or the file that was named instead. @throws WeightsError */
async function locate(source: WeightSource, { choice, report, signal }: Start): Promise<LocatedWeights> {
  const located = await locateWeights(source, {
    path: choice,
    signal,
    onProgress: (done, total) =>
      report({ type: 'phase', name: 'weights', message: `fetching ${source.file}`, done, total }),
  });
  for (const warning of located.warnings) report({ type: 'log', level: 'warning', message: warning });
  return located;
}

/** The weights that a detector's training starts from. */
export interface DetectorWeights {
  knows: Knowledge;
  /** None for random weights, and for those of earlier training. */
  file: { path: string; source: WeightSource } | null;
}

/**
 * Finds what a detector's training starts from: earlier training, published weights of a detector, or where there are none those of a
 * classifier as its backbone. A file that is named may be either. Not having any is said.
 *
 * @throws WeightsError or CheckpointError when the named file cannot be used
 */
export async function findDetectorWeights(
  entry: DetectorModel,
  settings: Pick<DetectorSettings, 'modelSize'>,
  start: Start,
): Promise<DetectorWeights> {
  const { earlier, choice, report } = start;
  if (earlier) return { knows: 'objects', file: null };
  if (choice === 'none') return { knows: 'nothing', file: null };
  const whole = entry.weightsOf(settings);
  const backbone = entry.backbone && findModel(entry.backbone.classifier).weights;
  const sources = [whole, backbone].filter((source) => source !== null);
  if (choice !== undefined) {
    const [source] = sources;
    const { path } = await locate(source, start);
    const prefix = entry.backbone?.prefix;
    const isDetector = prefix === undefined || (await namesIn(path)).some((name) => name.startsWith(prefix));
    return { knows: isDetector ? 'objects' : 'images', file: { path, source } };
  }
  const problems: string[] = [];
  for (const source of sources) {
    try {
      const { path } = await locate(source, start);
      const instead = `${source.file}, of a classifier of photographs, is taken for its backbone instead`;
      if (problems.length > 0) report({ type: 'log', level: 'warning', message: `${problems.join('\n')}\n${instead}` });
      return { knows: source === backbone ? 'images' : 'objects', file: { path, source } };
    } catch (error) {
      if (!(error instanceof WeightsError)) throw error;
      problems.push(error.message);
    }
  }
  report({
    type: 'log',
    level: 'warning',
    message: `${problems.join('\n')}\nTraining starts from random weights, and for more epochs where the job does not say how many.`,
  });
  return { knows: 'nothing', file: null };
}

/**
 * A new detector with these weights.
 *
 * @throws WeightsError or CheckpointError when they cannot be used
 */
export async function initialiseDetector(
  entry: DetectorModel,
  settings: Omit<DetectorSettings, 'learnsNormalisation'>,
  { knows, file }: DetectorWeights,
  start: Start,
): Promise<{ detector: ObjectDetector; origin: WeightsOrigin }> {
  const { earlier, choice, report } = start;
  const build = (learnsNormalisation: boolean) => entry.build({ ...settings, learnsNormalisation });
  if (earlier) {
    const detector = build(await countsBatches(earlier.path));
    return { detector, origin: await continueFrom(earlier, detector.network, entry, start) };
  }
  if (!file) return { detector: build(true), origin: { pretrained: false, weights: 'random', licence: null } };
  const { path, source } = file;
  const isBackbone = knows === 'images';
  const detector = build(!isBackbone && (await countsBatches(path)));
  const { network } = detector;
  if (isBackbone) {
    await applyPretrained(backboneOf(network, entry), path);
    report({
      type: 'log',
      level: 'info',
      message: `${source.file} is the backbone; all behind it begins with random weights`,
    });
  } else {
    await withNewHead(network, entry, () => applyPretrained(network, path, { head: entry.head }));
  }
  const licence = choice === undefined ? source.licence : null;
  return { detector, origin: { pretrained: true, weights: path, licence } };
}

async function namesIn(path: string): Promise<string[]> {
  const state = await loadStateDict(path);
  for (const tensor of state.values()) tensor.dispose();
  return [...state.keys()];
}

/** Whether the batch norms of a checkpoint's backbone learned, as those do that began with random weights: they count batches. */
const countsBatches = async (path: string): Promise<boolean> =>
  (await namesIn(path)).some((name) => /^backbone\.body\..*num_batches_tracked$/.test(name));

/** The part of a detector that takes a classifier's weights. */
function backboneOf(network: nn.AnyModule, { backbone }: DetectorModel): nn.AnyModule {
  const module = backbone && network.namedModules().get(backbone.prefix.replace(/\.$/, ''));
  if (!module) throw new RangeError("this detector has no backbone that takes a classifier's weights");
  return module;
}

/**
 * Incremental training: all of the earlier model's weights where it told the same classes apart; for other classes a new head.
 *
 * @throws WeightsError `misfit` for another model
 */
async function continueFrom(
  earlier: EarlierCheckpoint,
  model: nn.AnyModule,
  entry: Pick<DetectorModel, 'name' | 'head'>,
  { classes, report }: Pick<Start, 'classes' | 'report'>,
): Promise<WeightsOrigin> {
  if (earlier.modelName !== null && earlier.modelName !== entry.name) {
    throw new WeightsError({
      code: 'misfit',
      file: earlier.path,
      problem: `is of ${earlier.modelName}, and this trial trains ${entry.name}`,
      advice: [`model_name: ${earlier.modelName} goes on with it.`],
    });
  }
  const load = () => applyPretrained(model, earlier.path, { head: entry.head });
  const others = earlier.classes !== null && earlier.classes.join('\n') !== classes.join('\n');
  const { headReinitialised } = others ? await withNewHead(model, entry, load) : await load();
  const head =
    others || headReinitialised
      ? 'its classes are others, so the head begins anew'
      : earlier.classes === null
        ? 'with its head, which has as many classes: they must be these, in this order'
        : 'with its head, for it has the same classes';
  report({ type: 'log', level: 'info', message: `starts from ${earlier.from}, ${head}` });
  return { pretrained: true, weights: earlier.from, licence: null };
}

/** Loads weights, but leaves the head as it was drawn. */
async function withNewHead<T>(
  model: nn.AnyModule,
  { head }: Pick<DetectorModel, 'head'>,
  load: () => Promise<T>,
): Promise<T> {
  const ofHead = [...model.stateDict()].filter(([name]) => [head].flat().some((prefix) => name.startsWith(prefix)));
  const fresh = new Map(ofHead.map(([name, tensor]) => [name, tensor.clone()]));
  try {
    const result = await load();
    model.loadStateDict(fresh, { strict: false });
    return result;
  } finally {
    for (const tensor of fresh.values()) tensor.dispose();
  }
}
