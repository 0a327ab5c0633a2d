import type { nn } from '@fovea/torch';
import { applyPretrained, type Classifier, type LocatedWeights, locateWeights, WeightsError } from '@fovea/vision';
import type { Report } from '../job/events.ts';
import type { WeightsOrigin } from '../model-folder/layout.ts';

/**
 * Gives a new model the weights that training starts from.
 *
 * @param choice a checkpoint's path; `none` for random weights; without it, ImageNet weights where they can be had: not having them
 *   is said, and training starts from random weights
 * @throws WeightsError or CheckpointError when the named file cannot be used
 */
export async function initialise(
  model: nn.Module,
  entry: Classifier,
  { choice, report, signal }: { choice: string | undefined; report: Report; signal: AbortSignal },
): Promise<WeightsOrigin> {
  const random = { pretrained: false, weights: 'random', licence: null };
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
  await applyPretrained(model, located.path, { head: entry.head });
  return {
    pretrained: true,
    weights: located.path,
    licence: located.origin === 'given' ? null : entry.weights.licence,
  };
}
