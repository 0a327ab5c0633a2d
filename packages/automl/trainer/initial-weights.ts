import type { nn } from '@fovea/torch';
import { applyPretrained, type Classifier, type LocatedWeights, locateWeights, WeightsError } from '@fovea/vision';
import type { Report } from '../job/events.ts';
import type { WeightsOrigin } from '../model-folder/layout.ts';
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
  const { choice, report, signal } = start;
  const random = { pretrained: false, weights: 'random', licence: null };
  if (start.earlier) return continueFrom(start.earlier, model, entry, start);
  if (choice === 'none') return random;
  let located: LocatedWeights;
  try {
    located = await locateWeights(entry.weights, {
      path: choice,
      signal,
      onProgress: (done, total) =>
        report({ type: 'phase', name: 'weights', message: `fetching ${entry.weights.file}`, done, total }),
    });
  } catch (error) {
    if (choice !== undefined || !(error instanceof WeightsError)) throw error;
    report({
      type: 'log',
      level: 'warning',
      message: `${error.message}\nTraining starts from random weights, and for more epochs where the job does not say how many.`,
    });
    return random;
  }
  for (const warning of located.warnings) report({ type: 'log', level: 'warning', message: warning });
  // ImageNet's classes are never the job's, even where there are a thousand of them.
  await withNewHead(model, entry, () => applyPretrained(model, located.path, { head: entry.head }));
  return {
    pretrained: true,
    weights: located.path,
    licence: located.origin === 'given' ? null : entry.weights.licence,
  };
}

/**
 * Incremental training: all of the earlier model's weights where it told the same classes apart; for other classes a new head.
 *
 * @throws WeightsError `misfit` for another model
 */
async function continueFrom(
  earlier: EarlierCheckpoint,
  model: nn.Module,
  entry: Classifier,
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
async function withNewHead<T>(model: nn.Module, { head }: Classifier, load: () => Promise<T>): Promise<T> {
  const ofHead = [...model.stateDict()].filter(([name]) => name.startsWith(head));
  const fresh = new Map(ofHead.map(([name, tensor]) => [name, tensor.clone()]));
  try {
    const result = await load();
    model.loadStateDict(fresh, { strict: false });
    return result;
  } finally {
    for (const tensor of fresh.values()) tensor.dispose();
  }
}
