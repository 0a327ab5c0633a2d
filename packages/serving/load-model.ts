import { type ModelTask, readModelFolder } from '@fovea/automl/model-folder';
import { IssuesError } from '@fovea/data';
import { type ImageSource, networkInput, type Preparation, readImage } from './prepare.ts';
import { sigmoid, softmax } from './probabilities.ts';
import { type GraphSession, openSession } from './session.ts';

/** What the model says of one image: a probability for every label, in the order of the labels. */
export interface Prediction {
  probs: number[];
  labels: string[];
}

/** Why there is no prediction for an image. */
export interface PredictionFailure {
  error: string;
}

export interface Model {
  readonly task: ModelTask;
  readonly modelName: string;
  readonly labels: readonly string[];
  /**
   * One answer for each image, in their order. An image that cannot be read gets its reason; the others are answered all the same.
   * Probabilities sum to 1, or are independent of each other for a multi-label model; no threshold is applied.
   */
  predict(
    images: readonly ImageSource[],
    options?: { signal?: AbortSignal },
  ): Promise<(Prediction | PredictionFailure)[]>;
  /** Milliseconds that loading took: reading and checking the folder, and building the session. */
  readonly loadTime: { readonly folder: number; readonly session: number };
  close(): Promise<void>;
}

/** Images that are decoded together and go through the network together. More cost memory and gain nothing on a CPU. */
const BATCH = 8;

/**
 * Loads a model folder to answer on ONNX Runtime.
 *
 * ```ts
 * const model = await loadModel('.fovea/jobs/amber_lynx/outputs/mlflow-model');
 * const [answer] = await model.predict(['photo.jpg']);
 * ```
 * @param threads for the network; 0 (the default): as many as the machine has cores
 * @throws ModelFolderError or OnnxError when the folder is not in order
 */
export async function loadModel(folder: string, { threads = 0 }: { threads?: number } = {}): Promise<Model> {
  const start = performance.now();
  const model = await readModelFolder(folder);
  const read = performance.now();
  const session = await openSession(model, threads);
  const { input, settings, labels, task, modelName } = model;
  const preparation: Preparation = {
    mean: input.normalised_in_graph ? [0, 0, 0] : input.mean,
    std: input.normalised_in_graph ? [1, 1, 1] : input.std,
    resizeSize: settings.valid_resize_size,
    cropSize: settings.valid_crop_size,
  };
  const probabilities = task === 'image_classification_multilabel' ? sigmoid : softmax;
  return {
    task,
    modelName,
    labels,
    loadTime: { folder: read - start, session: performance.now() - read },
    async predict(images, { signal } = {}) {
      const answers: (Prediction | PredictionFailure)[] = [];
      for (let start = 0; start < images.length; start += BATCH) {
        signal?.throwIfAborted();
        const batch = await Promise.all(
          images
            .slice(start, start + BATCH)
            .map((image, i) => readOrFail(image, `image ${start + i + 1}`, preparation)),
        );
        const logits = await classify(session, batch, preparation, labels.length);
        answers.push(
          ...logits.map((row) => ('error' in row ? row : { probs: probabilities(row), labels: [...labels] })),
        );
      }
      return answers;
    },
    close: () => session.close(),
  };
}

/** An image's pixels, or why there are none. What is no fault of the image is thrown. */
async function readOrFail(
  image: ImageSource,
  name: string,
  preparation: Preparation,
): Promise<Uint8Array | PredictionFailure> {
  try {
    return await readImage(image, name, preparation);
  } catch (error) {
    if (!(error instanceof IssuesError)) throw error;
    return { error: error.issues.map(({ message, hint }) => (hint ? `${message}; ${hint}` : message)).join('\n') };
  }
}

/** The network's outputs for the images that could be read, each in its place. */
async function classify(
  session: GraphSession,
  batch: readonly (Uint8Array | PredictionFailure)[],
  preparation: Preparation,
  classes: number,
): Promise<(Float32Array | PredictionFailure)[]> {
  const images = batch.filter((image): image is Uint8Array => !('error' in image));
  if (images.length === 0) return batch.filter((image) => 'error' in image);
  const { cropSize } = preparation;
  const logits = await session.run(networkInput(images, preparation), [images.length, 3, cropSize, cropSize]);
  let row = 0;
  return batch.map((image) => ('error' in image ? image : logits.subarray(row * classes, ++row * classes)));
}
