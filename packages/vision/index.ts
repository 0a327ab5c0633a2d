import './detection/entries.ts';
import './detection/mask-entries.ts';
import './yolov5/entries.ts';

export * from './detection/index.ts';
export {
  type DetectorFit,
  type DetectorInput,
  type DetectorModel,
  type DetectorSettings,
  detector,
  detectorNames,
  findDetector,
  type InArithmetic,
  type ObjectDetector,
} from './detector-registry.ts';
export { IMAGENET_MEAN, IMAGENET_STD } from './imagenet.ts';
export * from './models/index.ts';
export * from './ops/index.ts';
export {
  type Classifier,
  type ClassifierDefinition,
  classifier,
  createModel,
  findModel,
  freezeStages,
  type HyperparameterValues,
  type ImageSizes,
  type InputRules,
  isModelName,
  modelNames,
  sizesInWords,
  takesSize,
  UnknownModelError,
} from './registry.ts';
export { adjustTensor } from './transforms/colour-adjust-tensor.ts';
export * from './transforms/index.ts';
export { normaliseBatch } from './transforms/normalise-batch.ts';
export {
  type ApplyOptions,
  applyPretrained,
  applyStateDict,
  type PretrainedReport,
} from './weights/apply-pretrained.ts';
export { type LocatedWeights, type LocateOptions, locateWeights } from './weights/locate.ts';
export { huggingFace, published, torchvision, type WeightSource } from './weights/source.ts';
export { WeightsError, type WeightsErrorCode } from './weights/weights-error.ts';
export * from './yolov5/index.ts';
