import { rand, type Tensor } from '@fovea/torch';
import {
  boxedImage,
  type DetectorModel,
  findDetector,
  freezeStages,
  type ObjectDetector,
  type Size,
} from '@fovea/vision';
import type { DetectionData } from '../job/prepare-data.ts';
import { detectionRecipe, untaughtWarning } from './detection-recipe.ts';
import { detectionSamples } from './detection-samples.ts';
import { targetsOf } from './detection-targets.ts';
import { type DetectionSample, DetectionTraining } from './detection-training.ts';
import type { DetectorHyperparameters } from './detector-hyperparameters.ts';
import { exportTrainedDetector } from './export-detector.ts';
import type { FoundInImage } from './found-objects.ts';
import { findDetectorWeights, initialiseDetector } from './initial-weights.ts';
import { forwardIn } from './precision.ts';
import { type Preparation, type PreparedTrial, settle } from './prepared-trial.ts';
import type { Rehearsal } from './trial-steps.ts';

/**
 * A detector with its weights, ready to train.
 *
 * @param kept the hyperparameters of a trial that goes on, whatever would be chosen now
 */
export async function prepareDetector(
  given: DetectorHyperparameters,
  kept: DetectorHyperparameters | null,
  { context, data, device }: { context: Preparation; data: DetectionData; device: string },
): Promise<PreparedTrial<DetectionSample, FoundInImage[]>> {
  const { report, signal, earlier, weights: choice } = context;
  const entry = findDetector(given.model_name);
  const { classes, train, validation } = data;
  const start = { classes, earlier, choice, report, signal };
  const weights = await findDetectorWeights(entry, { modelSize: given.model_size }, start);
  // All have as many tiles.
  const { length: parts } = detectionSamples(entry.name, given).parts(boxedImage(train.records[0], classes));
  const images = train.records.length * parts;
  const { knows } = weights;
  const { given: named, fitToData } = context;
  const chosen = kept ?? detectionRecipe(given, { images, knows, device, given: named, fitToData });
  const warning = kept ? null : untaughtWarning(chosen, { images: train.records.length, knows });
  if (warning) report({ type: 'log', level: 'warning', message: warning });
  const { detector, origin } = await initialiseDetector(
    entry,
    {
      classes: classes.length,
      minSize: chosen.min_size,
      maxSize: chosen.max_size,
      imageSize: chosen.image_size,
      modelSize: chosen.model_size,
      scoreThreshold: chosen.box_score_threshold,
      nmsIouThreshold: chosen.nms_iou_threshold,
      detectionsPerImage: chosen.box_detections_per_image,
    },
    weights,
    start,
  );
  const { network } = detector;
  freezeStages(network, entry, chosen.layers_to_freeze);
  network.to({ device });
  const { finds } = entry;
  const task = new DetectionTraining({
    detector,
    finds,
    classes,
    train: train.records,
    validation: validation.records,
    metricType: chosen.validation_metric_type,
    iouThreshold: chosen.validation_iou_threshold,
    samples: detectionSamples(entry.name, chosen),
  });
  if (chosen.tile_grid_size) report({ type: 'log', level: 'info', message: tilesInWords(chosen, task, data) });
  const modelName = given.model_size === undefined ? entry.name : `${entry.name} ${given.model_size}`;
  const size = timedSize(detector, TIMED_PIXELS);
  const usual = timedSize(detector, Number.POSITIVE_INFINITY);
  const step = rehearsalOf(detector, { size, finds, classes: classes.length, device });
  const { hyperparameters, measured } = settle(chosen, network, {
    modelName,
    size: size.height,
    rehearse: step,
    rehearseLargest: rehearsalOf(detector, { size: largestSize(detector), finds, classes: classes.length, device }),
    images: task.trainingImages,
    context,
    device,
  });
  const { fit } = detector;
  return {
    task,
    modelName: entry.name,
    hyperparameters,
    origin,
    measured,
    rehearsal: { step, pixels: (size.width * size.height) / (usual.width * usual.height) },
    exportModel: (finished, options) =>
      exportTrainedDetector(
        { ...finished, task: task.name, detector, modelName: entry.name, hyperparameters, origin, classes },
        options,
      ),
    imageSize: fit.kind === 'within' ? `${fit.minSize} to ${fit.maxSize} px` : `${fit.size} px`,
  };
}

/** `in 3x2 tiles besides: 120 images count as 840 in training, 30 as 210 in validation` */
function tilesInWords(
  { tile_grid_size: grid }: DetectorHyperparameters,
  task: Pick<DetectionTraining, 'trainingImages' | 'validationImages'>,
  { train, validation }: DetectionData,
): string {
  const counts = `${train.records.length} images count as ${task.trainingImages} in training, ${validation.records.length} as ${task.validationImages} in validation`;
  return `in ${grid} tiles besides: ${counts}`;
}

/** Which arithmetic is the fastest does not depend on more pixels than these on the shorter side; a step on a CPU does. */
const TIMED_PIXELS = 320;

const padded = (side: number, stride: number): number => Math.ceil(side / stride) * stride;

/** Of images in the network to measure time on, as most photographs come out, with no more pixels than these on the shorter side. */
function timedSize({ fit }: ObjectDetector, most: number): Size {
  if (fit.kind === 'letterbox') return { width: fit.size, height: fit.size };
  const minSize = Math.min(fit.minSize, most);
  return { width: padded(Math.min(fit.maxSize, (minSize * 4) / 3), fit.stride), height: padded(minSize, fit.stride) };
}

/** Of the canvas on which a batch of upright and lying photographs has room, which memory must suffice for. */
function largestSize({ fit }: ObjectDetector): Size {
  if (fit.kind === 'letterbox') return { width: fit.size, height: fit.size };
  const side = padded(Math.min(fit.maxSize, (fit.minSize * 3) / 2), fit.stride);
  return { width: side, height: side };
}

/** Training on random images with a few objects in each. */
function rehearsalOf(
  detector: ObjectDetector,
  { size, finds, classes, device }: { size: Size; finds: DetectorModel['finds']; classes: number; device: string },
): Rehearsal {
  const { width, height } = size;
  const corners = Array.from({ length: 6 }, (_, i) => {
    const side = (0.1 + 0.06 * i) * Math.min(width, height);
    return [side / 2, side / 2, side * 1.5, side * 1.5];
  });
  const boxes = {
    corners: Float32Array.from(corners.flat()),
    classes: Int32Array.from(corners, (_, i) => i % classes),
    ...(finds === 'masks' && { outlines: corners.map(([x1, y1, x2, y2]) => [[x1, y1, x2, y1, x2, y2, x1, y2]]) }),
  };
  return (images, precision): Tensor => {
    const pixels = rand([images, 3, height, width], { device }).contiguous(precision.memoryFormat);
    const all = targetsOf(
      Array.from({ length: images }, () => ({ size, boxes })),
      device,
    );
    const input = { images: pixels, sizes: all.map(() => ({ width, height })) };
    const [first, ...others] = Object.values(
      detector.losses(input, all, (forward) => forwardIn(precision, device, forward)),
    );
    return others.reduce((sum, part) => sum.add(part), first);
  };
}
