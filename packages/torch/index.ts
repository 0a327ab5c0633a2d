export { autocast } from './autocast.ts';
export { enableGrad, grad, isGradEnabled, noGrad } from './autograd.ts';
export { call, type GeneratorHandle, hasOp, type RecordedCall, recordCalls, schemas } from './call.ts';
export { CheckpointError, type CheckpointErrorCode, type CheckpointIssue } from './checkpoint/checkpoint-error.ts';
export { loadPth, loadStateDict } from './checkpoint/pth.ts';
export {
  openSafetensors,
  readSafetensors,
  type SafetensorsFile,
  type TensorInfo,
  writeSafetensors,
} from './checkpoint/safetensors.ts';
export { type PthValue, savePth } from './checkpoint/save-pth.ts';
export * from './create.ts';
export {
  cudaIsAvailable,
  getNumThreads,
  memoryUse,
  setFlag,
  setMemoryLimit,
  setNumThreads,
  torchVersion,
} from './engine.ts';
export { keep, liveTensors, tidy } from './memory.ts';
export * as nn from './nn/index.ts';
export * as ops from './ops.generated.ts';
export * as optim from './optim/index.ts';
export { Generator, getRandomState, manualSeed, setRandomState } from './random.ts';
export {
  Buffer,
  type Device,
  type DType,
  type MemoryFormat,
  type Nested,
  Parameter,
  Tensor,
  type TypedArray,
} from './tensor.ts';
export { TorchError } from './torch-error.ts';
