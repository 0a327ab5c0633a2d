import { rand, type Tensor, tensor } from '@fovea/torch';
import { findDetector, freezeStages, type ObjectDetector, type PlainDetections } from '@fovea/vision';
import type { DetectionData } from '../job/prepare-data.ts';
import type { Hyperparameters } from '../spec/resolve-hyperparameters.ts';
import { detectionSamples } from './detection-samples.ts';
import { type DetectionSample, DetectionTraining } from './detection-training.ts';
import { exportTrainedDetector } from './export-detector.ts';
import { initialiseDetector } from './initial-weights.ts';
import { forwardIn } from './precision.ts';
import { type PreparedTrial, settle, type TrialContext } from './prepared-trial.ts';
import { fromScratch } from './recipe.ts';
import type { Rehearsal } from './trial-steps.ts';

type DetectionHyperparameters = Hyperparameters<'image_object_detection'>;

/**
 * A detector with its weights, ready to train.
 *
 * @param kept the hyperparameters of a trial that goes on, whatever would be chosen now
 */
export async function prepareDetector(
  given: DetectionHyperparameters,
  kept: DetectionHyperparameters | null,
  { context, data, device }: { context: TrialContext; data: DetectionData; device: string },
): Promise<PreparedTrial<DetectionSample, PlainDetections[]>> {
  const { report, signal, earlier, weights: choice } = context;
  const entry = findDetector(given.model_name);
  const { classes, train, validation } = data;
  const { detector, origin } = await initialiseDetector(
    entry,
    {
      classes: classes.length,
      minSize: given.min_size,
      maxSize: given.max_size,
      imageSize: given.image_size,
      modelSize: given.model_size,
      scoreThreshold: given.box_score_threshold,
      nmsIouThreshold: given.nms_iou_threshold,
      detectionsPerImage: given.box_detections_per_image,
    },
    { classes, earlier, choice, report, signal },
  );
  const { network } = detector;
  const chosen = kept ?? (origin.pretrained ? given : fromScratch(given, context.given));
  freezeStages(network, entry, chosen.layers_to_freeze);
  network.to({ device });
  const task = new DetectionTraining({
    detector,
    classes,
    train: train.records,
    validation: validation.records,
    metricType: chosen.validation_metric_type,
    iouThreshold: chosen.validation_iou_threshold,
    samples: detectionSamples(entry.name, chosen),
  });
  if (chosen.tile_grid_size !== null) report({ type: 'log', level: 'info', message: tilesInWords(chosen, task, data) });
  const modelName = given.model_size === undefined ? entry.name : `${entry.name} ${given.model_size}`;
  const { height, width } = usualSize(detector);
  const { hyperparameters, measured } = settle(chosen, network, {
    modelName,
    size: Math.min(height, width),
    rehearse: rehearsalOf(detector, classes.length, device),
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
    exportModel: (finished, options) =>
      exportTrainedDetector(
        { ...finished, detector, modelName: entry.name, hyperparameters, origin, classes },
        options,
      ),
    imageSize: fit.kind === 'within' ? `${fit.minSize} to ${fit.maxSize} px` : `${fit.size} px`,
  };
}

/** `in 3x2 tiles besides: 120 images count as 840 in training, 30 as 210 in validation` */
function tilesInWords(
  { tile_grid_size: grid }: DetectionHyperparameters,
  task: Pick<DetectionTraining, 'trainingImages' | 'validationImages'>,
  { train, validation }: DetectionData,
): string {
  const counts = `${train.records.length} images count as ${task.trainingImages} in training, ${validation.records.length} as ${task.validationImages} in validation`;
  return `in ${grid} tiles besides: ${counts}`;
}

/** Of images in the network, as most photographs come out. */
function usualSize({ fit }: ObjectDetector): { width: number; height: number } {
  if (fit.kind === 'letterbox') return { width: fit.size, height: fit.size };
  const padded = (side: number) => Math.ceil(side / fit.stride) * fit.stride;
  return { width: padded(Math.min(fit.maxSize, (fit.minSize * 4) / 3)), height: padded(fit.minSize) };
}

/** Training on random images with a few objects in each. */
function rehearsalOf(detector: ObjectDetector, classes: number, device: string): Rehearsal {
  const { width, height } = usualSize(detector);
  const boxes = Array.from({ length: 6 }, (_, i) => {
    const side = (0.1 + 0.06 * i) * Math.min(width, height);
    return [side / 2, side / 2, side * 1.5, side * 1.5];
  });
  const target = () => ({
    boxes: tensor(boxes, { device }),
    labels: tensor(
      boxes.map((_, i) => i % classes),
      { dtype: 'int64', device },
    ),
  });
  return (images, precision): Tensor => {
    const pixels = rand([images, 3, height, width], { device }).contiguous(precision.memoryFormat);
    const all = Array.from({ length: images }, target);
    const input = { images: pixels, sizes: all.map(() => ({ width, height })) };
    const [first, ...others] = Object.values(
      detector.losses(input, all, (forward) => forwardIn(precision, device, forward)),
    );
    return others.reduce((sum, part) => sum.add(part), first);
  };
}
