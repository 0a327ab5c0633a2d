export { ModelFolderError, OnnxError } from '@fovea/automl/model-folder';
export { formatPrediction, type RankedLabel, topLabels } from './answers.ts';
export { loadModel, type Model, type Prediction, type PredictionFailure } from './load-model.ts';
export type { ImageSource } from './prepare.ts';
export { type GraphSession, openSession } from './session.ts';
