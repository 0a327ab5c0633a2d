// Explanations on libtorch, the engine of training: loaded by the thread of an instance that is asked for one.
import { explanationAnswer, openExplainer as openNetwork } from '@fovea/automl/explain';
import type { OpenExplainer } from './explanation.ts';

export const openExplainer: OpenExplainer = async (folder) => {
  const network = await openNetwork(folder);
  return async ({ image, prediction, parameters, signal }) => {
    const pixels = await network.read(image);
    const targets = network.targets(prediction.probs, parameters);
    const explanations = await network.explain(pixels, { parameters, targets, signal });
    return explanationAnswer(network.task, explanations, parameters);
  };
};
