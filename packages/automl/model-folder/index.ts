// Reading needs no engine: a process that serves a model imports this and never loads libtorch.
export { MASK_SETTINGS } from '../onnx/detection/settings.ts';
export { inspectOnnx, type OnnxSummary, withSettings } from '../onnx/inspect.ts';
export { OnnxError } from '../onnx/onnx-error.ts';
export { copyModelFolder, type ModelFolderChange, requireModelPlace } from './copy-folder.ts';
export { tilesIn } from './detection-settings.ts';
export {
  type ClassificationTask,
  type DetectionSettings,
  type DetectionTask,
  FILES,
  findsMasks,
  type InferenceSettings,
  isDetectionTask,
  isYolo,
  type MaskDetectorSettings,
  type ModelInput,
  type ModelTask,
  type RegionDetectorSettings,
  type WeightsOrigin,
  type YoloSettings,
} from './layout.ts';
export { MASK_DEFAULTS, MASK_RULES, type MaskImageType, type MaskSettings } from './mask-settings.ts';
export { ModelFolderError, type ModelFolderErrorCode, type ModelFolderIssue } from './model-folder-error.ts';
export {
  type ClassifierFolder,
  type DetectorFolder,
  type MaskDetectorFolder,
  type ModelFolder,
  readModelFolder,
} from './read.ts';
