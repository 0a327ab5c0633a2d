// Reading needs no engine: a process that serves a model imports this and never loads libtorch.
export { OnnxError } from '../onnx/onnx-error.ts';
export type { InferenceSettings, ModelInput, ModelTask, WeightsOrigin } from './layout.ts';
export { ModelFolderError, type ModelFolderErrorCode, type ModelFolderIssue } from './model-folder-error.ts';
export { type ModelFolder, readModelFolder } from './read.ts';
