export { LABEL_THRESHOLD } from '@fovea/automl/metrics';
export { ModelFolderError, OnnxError, readModelFolder } from '@fovea/automl/model-folder';
export { type FormatPredictionOptions, formatPrediction, type RankedLabel, topLabels } from './answers.ts';
export type { FoundObject, NormalisedBox, ObjectPrediction } from './detector.ts';
export { type Evaluation, evaluate } from './evaluate.ts';
export { evaluateObjects, type ObjectEvaluation } from './evaluate-objects.ts';
export type { ExportedAbout } from './export-about.ts';
export type { ExportStage, JudgedForm, JudgedRecord, Quantisation } from './export-int8.ts';
export { type ExportedModel, type ExportOptions, exportModel } from './export-model.ts';
export { formatObjects } from './found-objects.ts';
export {
  loadModel,
  type MaskModel,
  type MaskPrediction,
  type Model,
  type ObjectModel,
  openModel,
  type Prediction,
  type PredictionFailure,
} from './load-model.ts';
export { type MaskAnswer, normalisedOutline } from './mask-answers.ts';
export type { FoundMasks } from './mask-detector.ts';
export type { ImageSource } from './prepare.ts';
export { type GraphSession, openSession } from './session.ts';
