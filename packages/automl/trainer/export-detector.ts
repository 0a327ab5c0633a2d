import { FasterRcnn, type ObjectDetector, RetinaNet, YoloV5 } from '@fovea/vision';
import type { Report } from '../job/events.ts';
import type { DetectionSettings, DetectionTask, WeightsOrigin } from '../model-folder/layout.ts';
import { MASK_DEFAULTS } from '../model-folder/mask-settings.ts';
import { type AnyDetector, exportDetector } from '../onnx/detection/export.ts';
import { verifyDetector } from '../onnx/detection/verify.ts';
import type { DetectorHyperparameters } from './detector-hyperparameters.ts';
import type { FinishedTraining } from './prepared-trial.ts';
import { writeTrialOutputs } from './trial-outputs.ts';

interface TrainedDetector extends FinishedTraining {
  task: DetectionTask;
  detector: ObjectDetector;
  modelName: string;
  hyperparameters: DetectorHyperparameters;
  origin: WeightsOrigin;
  classes: readonly string[];
}

/**
 * Makes of a trained detector what others use: the ONNX graph, checked against the engine, and what `writeTrialOutputs` lists.
 *
 * @throws OnnxError when the graph does not compute what the engine does
 */
export async function exportTrainedDetector(
  { task, detector, modelName, hyperparameters: hp, origin, classes, ...finished }: TrainedDetector,
  { report }: { report: Report },
): Promise<void> {
  const { job, trial, folder, weights, best, device } = finished;
  const model = exportable(detector);
  const { mean, std } = detector.normalisation;
  const normalisation = hp.enable_onnx_normalization ? { mean, std } : undefined;
  model.to({ device: 'cpu', memoryFormat: 'contiguous' });
  const onnx = exportDetector(model, {
    ...(normalisation && { normalisation }),
    metadata: { labels: JSON.stringify(classes), model_name: modelName },
  });
  const { relativeDifference } = await verifyDetector(onnx, model, { ...(normalisation && { normalisation }) });
  report({ type: 'verified', trial, relativeDifference });

  await writeTrialOutputs(folder, {
    task,
    modelName,
    labels: classes,
    input: { mean, std, interpolation: 'linear', normalised_in_graph: normalisation !== undefined },
    settings: settingsOf(task, detector, hp),
    firstLabel: detector.firstLabel,
    weights: model.stateDict(),
    stored: { weights },
    onnx,
    training: {
      job,
      trial,
      epoch: best.epoch,
      metrics: best.metrics,
      hyperparameters: hp,
      onnx_relative_difference: relativeDifference,
      device,
    },
    weightsOrigin: origin,
  });
}

function exportable({ network }: ObjectDetector): AnyDetector {
  if (network instanceof FasterRcnn || network instanceof RetinaNet || network instanceof YoloV5) return network;
  throw new TypeError('this detector has no form in ONNX');
}

function settingsOf(task: DetectionTask, { fit }: ObjectDetector, hp: DetectorHyperparameters): DetectionSettings {
  const thresholds = { box_score_thresh: hp.box_score_threshold, nms_iou_thresh: hp.nms_iou_threshold };
  const tiles = {
    tile_grid_size: hp.tile_grid_size ?? null,
    tile_overlap_ratio: hp.tile_overlap_ratio,
    tile_predictions_nms_thresh: hp.tile_predictions_nms_threshold,
  };
  if (fit.kind === 'letterbox') {
    return { img_size: fit.size, model_size: hp.model_size ?? 'medium', ...thresholds, ...tiles };
  }
  return {
    min_size: fit.minSize,
    max_size: fit.maxSize,
    ...thresholds,
    box_detections_per_img: hp.box_detections_per_image ?? 100,
    ...(task === 'image_instance_segmentation' ? MASK_DEFAULTS : tiles),
  };
}
