// Needs no engine: models are exported for serving without libtorch.
export { type CalibrationInput, type CalibrationInputs, type RunOptions, runOn } from './observe.ts';
export { type QuantisedModel, type QuantiseOptions, quantiseOnnx } from './quantise.ts';
export type { RangeMethod } from './ranges.ts';
