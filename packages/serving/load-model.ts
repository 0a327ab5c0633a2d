import {
  type ClassificationTask,
  type ClassifierFolder,
  type DetectorFolder,
  isDetectionTask,
  type MaskDetectorFolder,
  ModelFolderError,
  readModelFolder,
} from '@fovea/automl/model-folder';
import { IssuesError } from '@fovea/data/issue';
import { type DetectorNetwork, type FoundObject, type ObjectPrediction, openDetector } from './detector.ts';
import { type MaskAnswer, maskAnswers } from './mask-answers.ts';
import { type FoundMasks, type MaskNetwork, openMaskDetector } from './mask-detector.ts';
import { type ImageSource, networkInput, type Preparation, preparationOf, readImage } from './prepare.ts';
import { probabilitiesOf } from './probabilities.ts';
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

/** Milliseconds that loading took: reading and checking the folder, and building the session. */
export interface LoadTime {
  readonly folder: number;
  readonly session: number;
}

/** A classifier. */
export interface Model {
  readonly task: ClassificationTask;
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
  readonly loadTime: LoadTime;
  close(): Promise<void>;
}

interface AnyDetector {
  readonly modelName: string;
  readonly labels: readonly string[];
  /** From this overlap (IoU) on an object was found when the model was validated. */
  readonly iouThreshold: number;
  readonly loadTime: LoadTime;
  close(): Promise<void>;
}

/** A detector. */
export interface ObjectModel extends AnyDetector {
  readonly task: 'image_object_detection';
  /**
   * One answer for each image, in their order: all boxes above the model's threshold, best first. An image that cannot be read gets its
   * reason; the others are answered all the same.
   */
  predict(
    images: readonly ImageSource[],
    options?: { signal?: AbortSignal },
  ): Promise<(ObjectPrediction | PredictionFailure)[]>;
}

/** What a detector of masks says of one image, best first. */
export interface MaskPrediction {
  boxes: (FoundObject & MaskAnswer)[];
}

/** A detector that also says which pixels are each object's. */
export interface MaskModel extends AnyDetector {
  readonly task: 'image_instance_segmentation';
  /** As `ObjectModel.predict`: polygons with the boxes, or pictures where settings.json asks for them. */
  predict(
    images: readonly ImageSource[],
    options?: { signal?: AbortSignal },
  ): Promise<(MaskPrediction | PredictionFailure)[]>;
  /** The same, each mask with all of its pixels: what is judged, and what `answer` makes an answer of. */
  find(images: readonly ImageSource[], options?: { signal?: AbortSignal }): Promise<(FoundMasks | PredictionFailure)[]>;
  answer(found: FoundMasks): Promise<MaskPrediction>;
}

/** Images that are decoded together and go through the network together. More cost memory and gain nothing on a CPU. */
const BATCH = 8;

/**
 * Loads a model folder to answer on ONNX Runtime.
 *
 * ```ts
 * const model = await openModel('.fovea/jobs/amber_lynx/outputs/mlflow-model');
 * const [answer] = await model.predict(['photo.jpg']);
 * ```
 * @param threads for the network; 0 (the default): as many as the machine has cores
 * @throws ModelFolderError or OnnxError when the folder is not in order
 */
export async function openModel(
  folder: string,
  { threads = 0 }: { threads?: number } = {},
): Promise<Model | ObjectModel | MaskModel> {
  const start = performance.now();
  const model = await readModelFolder(folder);
  const read = performance.now();
  const time = { start, read };
  switch (model.task) {
    case 'image_object_detection':
      return objectModel(await openDetector(model, threads), model, time);
    case 'image_instance_segmentation':
      return maskModel(await openMaskDetector(model, threads), model, time);
    default:
      return classifier(await openSession(model, threads), model, time);
  }
}

/**
 * `openModel` for those who have a use for classifiers alone.
 *
 * @throws ModelFolderError also for a detector
 */
export async function loadModel(folder: string, options: { threads?: number } = {}): Promise<Model> {
  const model = await openModel(folder, options);
  if (!isDetector(model)) return model;
  await model.close();
  throw new ModelFolderError({
    code: 'wrong-task',
    file: folder,
    message: `${model.modelName} finds objects (${model.task}), and this is for models that classify images`,
    hint: 'fovea predict answers for either kind',
  });
}

const isDetector = (model: Model | ObjectModel | MaskModel): model is ObjectModel | MaskModel =>
  isDetectionTask(model.task);

/** When loading began, and when the folder was read. */
interface Times {
  start: number;
  read: number;
}

const loadTime = ({ start, read }: Times): LoadTime => ({ folder: read - start, session: performance.now() - read });

function objectModel(network: DetectorNetwork, model: DetectorFolder, times: Times): ObjectModel {
  const { task, modelName, labels } = model;
  return {
    task,
    modelName,
    labels,
    iouThreshold: validatedAt(model),
    loadTime: loadTime(times),
    predict: (images, { signal } = {}) => eachOf(images, signal, (image, name) => network.detect(image, name)),
    close: () => network.close(),
  };
}

function maskModel(network: MaskNetwork, model: MaskDetectorFolder, times: Times): MaskModel {
  const { task, modelName, labels, settings } = model;
  const answer = async ({ boxes, masks }: FoundMasks): Promise<MaskPrediction> => {
    const answers = await maskAnswers(masks, settings);
    return { boxes: boxes.map((box, i) => ({ ...box, ...answers[i] })) };
  };
  return {
    task,
    modelName,
    labels,
    iouThreshold: validatedAt(model),
    loadTime: loadTime(times),
    predict: (images, { signal } = {}) =>
      eachOf(images, signal, async (image, name) => answer(await network.find(image, name))),
    find: (images, { signal } = {}) => eachOf(images, signal, (image, name) => network.find(image, name)),
    answer,
    close: () => network.close(),
  };
}

/** What is said of each image, one after the other, or why there is nothing. */
async function eachOf<T>(
  images: readonly ImageSource[],
  signal: AbortSignal | undefined,
  look: (image: ImageSource, name: string) => Promise<T>,
): Promise<(T | PredictionFailure)[]> {
  const answers: (T | PredictionFailure)[] = [];
  for (const [i, image] of images.entries()) {
    signal?.throwIfAborted();
    answers.push(await orFailure(() => look(image, `image ${i + 1}`)));
  }
  return answers;
}

/** `validation_iou_threshold` of the training; its default where the folder does not say. */
function validatedAt({ training: { hyperparameters } }: Pick<DetectorFolder, 'training'>): number {
  const given = (hyperparameters as Record<string, unknown> | undefined)?.validation_iou_threshold;
  return typeof given === 'number' ? given : 0.5;
}

function classifier(session: GraphSession, model: ClassifierFolder, times: Times): Model {
  const { labels, task, modelName } = model;
  const preparation = preparationOf(model);
  const probabilities = probabilitiesOf(task);
  return {
    task,
    modelName,
    labels,
    loadTime: loadTime(times),
    async predict(images, { signal } = {}) {
      const answers: (Prediction | PredictionFailure)[] = [];
      for (let start = 0; start < images.length; start += BATCH) {
        signal?.throwIfAborted();
        const batch = await Promise.all(
          images
            .slice(start, start + BATCH)
            .map((image, i) => orFailure(() => readImage(image, `image ${start + i + 1}`, preparation))),
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

/** What is made of an image, or why there is nothing. What is no fault of the image is thrown. */
async function orFailure<T>(work: () => Promise<T>): Promise<T | PredictionFailure> {
  try {
    return await work();
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
