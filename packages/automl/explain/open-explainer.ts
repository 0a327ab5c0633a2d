import { noGrad, setNumThreads, tidy } from '@fovea/torch';
import { applyPretrained, createModel, findModel } from '@fovea/vision';
import { type ClassificationTask, isDetectionTask } from '../model-folder/layout.ts';
import { ModelFolderError } from '../model-folder/model-folder-error.ts';
import { readModelFolder } from '../model-folder/read.ts';
import { type ImageSource, readSquare } from '../model-folder/read-square.ts';
import { type ExplainableNetwork, type Explanation, explain, networkInput } from './explain.ts';
import { ExplanationError } from './explanation-error.ts';
import type { XaiParameters } from './parameters.ts';

/** How the engine of this process works. */
export interface EngineOptions {
  /** CPU threads of the process; as many as they are when left out. */
  readonly threads?: number;
}

/** A model of a folder, ready to explain what it says of images. */
export interface Explainer {
  readonly task: ClassificationTask;
  readonly labels: readonly string[];
  /** Height and width in pixels of what the network sees. */
  readonly size: number;
  /** The image as the network sees it: RGB, size × size × 3. @throws IssuesError when it cannot be read */
  read(image: ImageSource): Promise<Uint8Array>;
  /** @param pixels as `read` gives them @returns of each class, as scoring answers */
  probabilities(pixels: Uint8Array): number[];
  /**
   * Which classes a request explains: the most probable one, or of a multi-label model each that reaches the threshold.
   *
   * @param probabilities of each class
   */
  targets(probabilities: readonly number[], parameters: XaiParameters): number[];
  /** @throws ExplanationError; the reason of `signal` once it is aborted */
  explain(
    pixels: Uint8Array,
    request: { parameters: XaiParameters; targets: readonly number[]; signal?: AbortSignal },
  ): Promise<Explanation[]>;
  /** Gives the memory of the weights back. */
  close(): void;
}

/**
 * Loads the weights of a model folder into its network. Their hash is checked; nothing in the folder is run.
 *
 * ```ts
 * const explainer = await openExplainer('.fovea/jobs/amber_lynx/outputs/mlflow-model');
 * const pixels = await explainer.read('photo.jpg');
 * const parameters = readXaiParameters({ xai_algorithm: 'xrai' });
 * const targets = explainer.targets(explainer.probabilities(pixels), parameters);
 * const explanations = await explainer.explain(pixels, { parameters, targets });
 * ```
 * @throws ModelFolderError, WeightsError or CheckpointError when the folder is not in order, or the model finds objects
 */
export async function openExplainer(folder: string, { threads }: EngineOptions = {}): Promise<Explainer> {
  if (threads !== undefined) setNumThreads(threads);
  const model = await readModelFolder(folder, { checkWeights: true });
  const { task, modelName, labels, input } = model;
  if (isDetectionTask(task)) {
    throw new ModelFolderError({
      code: 'wrong-task',
      file: folder,
      message: `${modelName} finds objects, and explanations are for models that classify images`,
    });
  }
  const { valid_resize_size: resizeSize, valid_crop_size: size } = model.settings as {
    valid_resize_size: number;
    valid_crop_size: number;
  };
  const { gradCam, name } = findModel(modelName);
  const module = tidy(() => createModel(name, { classes: labels.length, size }));
  // Without a head to pass over: all of it has to fit.
  await applyPretrained(module, model.weights);
  module.eval().to({ memoryFormat: 'channels_last' });
  for (const parameter of module.parameters()) parameter.requiresGrad = false;

  const network: ExplainableNetwork = { model: module, gradCam, size, mean: input.mean, std: input.std };
  const isMultilabel = task === 'image_classification_multilabel';
  return {
    task,
    labels,
    size,
    read: (image) => readSquare(image, 'the image', { resizeSize, cropSize: size }),
    probabilities: (pixels) =>
      tidy(() => {
        const logits = noGrad(() => module.forward(networkInput(network, pixels))).squeeze(0);
        const probabilities = isMultilabel ? logits.sigmoid() : logits.softmax(0);
        return Array.from(probabilities.data() as Float32Array);
      }),
    targets(probabilities, { confidence_score_threshold_multilabel: threshold }) {
      const places = [...probabilities.keys()];
      if (isMultilabel) return places.filter((i) => probabilities[i] >= threshold);
      return places.sort((a, b) => probabilities[b] - probabilities[a]).slice(0, 1);
    },
    async explain(pixels, request) {
      const missing = request.targets.find((target) => labels[target] === undefined);
      if (missing !== undefined)
        throw new ExplanationError(`class ${missing} cannot be explained: the model has ${labels.length}, from 0 on`);
      return explain(network, pixels, request);
    },
    close() {
      for (const tensor of module.stateDict().values()) tensor.dispose();
    },
  };
}
