import type { MaskSettings } from './mask-settings.ts';

/** Where things are in a model folder. */
export const FILES = {
  /** What fovea needs to load the model; the other files at the root are MLflow's. */
  loader: 'fovea.json',
  mlmodel: 'MLmodel',
  conda: 'conda.yaml',
  pythonEnv: 'python_env.yaml',
  requirements: 'requirements.txt',
  /** What `mlflow.pyfunc.load_model` unpickles: an empty object of the class in … */
  pythonModel: 'python_model.pkl',
  /** … this module. */
  pythonCode: 'code/fovea_scoring.py',
  settings: 'artifacts/settings.json',
  labels: 'artifacts/labels.json',
  weights: 'artifacts/model.safetensors',
  /** The weights once more, as PyTorch's programs read them. */
  checkpoint: 'artifacts/model.pt',
  onnx: 'artifacts/model.onnx',
} as const;

/** The files that nobody edits: `fovea.json` holds the SHA-256 of each. */
export const FINGERPRINTED = [
  FILES.weights,
  FILES.onnx,
  FILES.labels,
  FILES.checkpoint,
  FILES.pythonModel,
  FILES.pythonCode,
] as const;

/** The version of `fovea.json`. A reader refuses higher ones; what was added without need of it is optional when read. */
export const FORMAT_VERSION = 1;

export type ClassificationTask = 'image_classification' | 'image_classification_multilabel';
export type DetectionTask = 'image_object_detection' | 'image_instance_segmentation';
export type ModelTask = ClassificationTask | DetectionTask;

/** How a task is called inside an MLflow folder. */
export const MLFLOW_TASKS: Record<ModelTask, string> = {
  image_classification: 'image-classification',
  image_classification_multilabel: 'image-classification-multilabel',
  image_object_detection: 'image-object-detection',
  image_instance_segmentation: 'image-instance-segmentation',
};

/** A label of a multi-label model is said to be present from this probability on. Scoring itself answers probabilities alone. */
export const MULTILABEL_THRESHOLD = 0.5;

/** How pictures become the network's input, the same in validation and serving. */
export interface ModelInput {
  /** Of pixel values 0 … 1, [red, green, blue]. */
  mean: readonly number[];
  std: readonly number[];
  /** How they are resized: as Pillow's bilinear does it, with antialias; for detectors as OpenCV's linear does it, without. */
  interpolation: 'bilinear' | 'linear';
  /** The ONNX graph takes values 0 … 1 and normalises them itself (`enable_onnx_normalization`). */
  normalised_in_graph: boolean;
}

/** What people may change in `artifacts/settings.json` of a classifier before they register the model. */
export interface InferenceSettings {
  /** The shorter side becomes so many pixels … */
  valid_resize_size: number;
  /** … and the middle square of so many pixels is what the network sees. */
  valid_crop_size: number;
}

/** How images are looked at in tiles besides; models of before that was possible have none of it. */
export interface TileSettings {
  /** Tiles along the width and the height, as `3x2`; null: none. Default null. */
  tile_grid_size?: string | null;
  /** Overlap of neighbouring tiles, as a share of a tile. Default 0.25. */
  tile_overlap_ratio?: number;
  /** When tiles are put together, a box goes that overlaps a better one of its class by more than this (IoU). Default 0.25. */
  tile_predictions_nms_thresh?: number;
}

/** The same of Faster R-CNN and RetinaNet. */
export interface RegionDetectorSettings extends TileSettings {
  /** The shorter side becomes so many pixels … */
  min_size: number;
  /** … unless the longer one then exceeded this. */
  max_size: number;
  /** What the score of a box must exceed. */
  box_score_thresh: number;
  /** A box goes that overlaps a better one of its class by more than this (IoU). */
  nms_iou_thresh: number;
  /** Most boxes of an image. */
  box_detections_per_img: number;
}

/** The same of YOLOv5. */
export interface YoloSettings
  extends TileSettings,
    Pick<RegionDetectorSettings, 'box_score_thresh' | 'nms_iou_thresh'> {
  /** Images are put on a square of so many pixels. */
  img_size: number;
  /** Said, not changed: `small`, `medium` … */
  model_size: string;
}

/** The same of Mask R-CNN, which has no tiles. */
export interface MaskDetectorSettings extends Omit<RegionDetectorSettings, keyof TileSettings>, MaskSettings {}

export type DetectionSettings = RegionDetectorSettings | YoloSettings | MaskDetectorSettings;

export const isYolo = (settings: InferenceSettings | DetectionSettings): settings is YoloSettings =>
  'img_size' in settings;

/** Whether masks are answered besides boxes. */
export const findsMasks = (settings: InferenceSettings | DetectionSettings): settings is MaskDetectorSettings =>
  'mask_pixel_score_threshold' in settings;

/** Whether a model finds objects, and does not say of images as wholes what they are. */
export const isDetectionTask = (task: ModelTask): task is DetectionTask =>
  task === 'image_object_detection' || task === 'image_instance_segmentation';

/** Where the weights that training started from come from. */
export interface WeightsOrigin {
  pretrained: boolean;
  /** A file or address, or `random`. */
  weights: string;
  licence: string | null;
}

/** The content of `fovea.json`. */
export interface LoaderMetadata {
  format_version: number;
  fovea_version: string;
  created: string;
  task: ModelTask;
  model_name: string;
  input: ModelInput;
  /** As in training; `settings.json` holds the ones in force. */
  settings: InferenceSettings | DetectionSettings;
  /** Of a multi-label model: the probability from which on a label is present. */
  threshold?: number;
  /** Of a detector: which of the graph's labels is the first class; 1 where 0 stands for the background. */
  first_label?: number;
  /** Of the files that must not change, by path in the folder. */
  files: Record<string, { sha256: string; bytes: number }>;
  /** How it was trained: job, trial, epoch, metrics, versions. For people; nothing here is needed to load the model. */
  training: Record<string, unknown>;
  weights_origin: WeightsOrigin;
}
