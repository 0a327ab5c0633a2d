import { setImmediate } from 'node:timers/promises';
import { setNumThreads, type Tensor, tidy } from '@fovea/torch';
import { applyPretrained, type DetectorSettings, findDetector } from '@fovea/vision';
import { type DetectionSettings, isDetectionTask, isYolo } from '../../model-folder/layout.ts';
import { ModelFolderError } from '../../model-folder/model-folder-error.ts';
import { readModelFolder } from '../../model-folder/read.ts';
import type { ImageSource } from '../../model-folder/read-square.ts';
import type { EngineOptions } from '../open-explainer.ts';
import { visualize } from '../visualization.ts';
import { boxHeat } from './box-heat.ts';
import { detectorInput, readForDetector } from './detector-picture.ts';

/** Something that was found, and where the detector saw it. */
export interface ExplainedObject {
  readonly label: string;
  /** In [0, 1]. */
  readonly score: number;
  /** Shares of the image's width and height. */
  readonly box: { readonly topX: number; readonly topY: number; readonly bottomX: number; readonly bottomY: number };
  /** Of each pixel of `size`, 0 … 1. */
  readonly heat: Float64Array;
  /** Of the image as the detector sees it, with the canvas around it. */
  readonly size: { readonly width: number; readonly height: number };
  /** A PNG of four pictures: see `visualize`. */
  readonly visualization: Uint8Array;
}

/** A detector of a model folder that says where it saw what it found. */
export interface ObjectExplainer {
  readonly labels: readonly string[];
  /**
   * What is in the whole of an image, best first (tiles are not looked at), and where each was seen.
   *
   * @param options.most so many objects are explained, 5 when not given
   * @throws IssuesError when the image cannot be read; the reason of the signal, between two objects
   */
  explain(image: ImageSource, options?: { most?: number; signal?: AbortSignal }): Promise<ExplainedObject[]>;
  /** Gives the memory of the weights back. */
  close(): void;
}

/**
 * Loads the weights of a detector's model folder into its network. Their hash is checked; nothing in the folder is run.
 *
 * @throws ModelFolderError, WeightsError or CheckpointError when the folder is not in order, or the model classifies
 */
export async function openObjectExplainer(folder: string, { threads }: EngineOptions = {}): Promise<ObjectExplainer> {
  if (threads !== undefined) setNumThreads(threads);
  const model = await readModelFolder(folder, { checkWeights: true });
  const { task, modelName, labels, settings, weights } = model;
  if (!isDetectionTask(task)) {
    throw new ModelFolderError({
      code: 'wrong-task',
      file: folder,
      message: `${modelName} classifies images: openExplainer explains what it says`,
    });
  }
  const detector = tidy(() => findDetector(modelName).build(settingsOf(settings as DetectionSettings, labels.length)));
  const { network } = detector;
  await applyPretrained(network, weights);
  network.eval();
  for (const parameter of network.parameters()) parameter.requiresGrad = false;
  return {
    labels,
    async explain(image, { most = 5, signal } = {}) {
      const picture = await readForDetector(detector, image);
      const { pixels, width, height } = picture;
      const input = detectorInput(detector, picture);
      using images = input.images;
      signal?.throwIfAborted();
      const explained: ExplainedObject[] = [];
      for (const { box, score, label } of tidy(() => firstFound(detector.detect(input)[0], most))) {
        await setImmediate();
        signal?.throwIfAborted();
        const heat = cut(boxHeat(detector, input, { box, label }), images.shape[3], { width, height });
        const [topX, topY, bottomX, bottomY] = box.map((at, i) => {
          const [start, length] =
            i % 2 === 0 ? [picture.image.left, picture.image.width] : [picture.image.top, picture.image.height];
          return Math.min(1, Math.max(0, (at - start) / length));
        });
        explained.push({
          label: labels[label],
          score,
          box: { topX, topY, bottomX, bottomY },
          heat,
          size: { width, height },
          visualization: await visualize(framed(pixels, width, box), heat, { width, height }),
        });
      }
      return explained;
    },
    close() {
      for (const tensor of network.stateDict().values()) tensor.dispose();
    },
  };
}

function settingsOf(settings: DetectionSettings, classes: number): DetectorSettings {
  const { box_score_thresh: scoreThreshold, nms_iou_thresh: nmsIouThreshold } = settings;
  const common = { classes, scoreThreshold, nmsIouThreshold, learnsNormalisation: false };
  if (isYolo(settings)) return { ...common, imageSize: settings.img_size, modelSize: settings.model_size };
  const { min_size: minSize, max_size: maxSize, box_detections_per_img: detectionsPerImage } = settings;
  return { ...common, minSize, maxSize, detectionsPerImage };
}

function firstFound(
  { boxes, scores, labels }: { boxes: Tensor; scores: Tensor; labels: Tensor },
  most: number,
): { box: number[]; score: number; label: number }[] {
  const corners = boxes.toArray() as number[][];
  const classes = labels.toArray() as number[];
  return (scores.toArray() as number[])
    .slice(0, most)
    .map((score, i) => ({ box: corners[i], score, label: classes[i] }));
}

/** The left top corner of rows of `stride`. */
function cut(values: Float64Array, stride: number, { width, height }: { width: number; height: number }): Float64Array {
  return Float64Array.from({ length: width * height }, (_, i) => values[Math.floor(i / width) * stride + (i % width)]);
}

/** The picture with a white frame at the border of a box. */
function framed(pixels: Uint8Array, width: number, box: readonly number[]): Uint8Array {
  const height = pixels.length / 3 / width;
  const [left, top, right, bottom] = box.map((at, i) =>
    Math.min((i % 2 === 0 ? width : height) - 1, Math.max(0, Math.round(at))),
  );
  const picture = pixels.slice();
  const paint = (x: number, y: number) => picture.fill(255, (y * width + x) * 3, (y * width + x) * 3 + 3);
  for (let x = left; x <= right; x++) for (const y of [top, bottom]) paint(x, y);
  for (let y = top; y <= bottom; y++) for (const x of [left, right]) paint(x, y);
  return picture;
}
