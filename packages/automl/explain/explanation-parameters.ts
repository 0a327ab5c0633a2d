// What may be asked of an explanation, without the engine that gives it.
export { ExplanationError } from './explanation-error.ts';
export {
  readXaiParameters,
  XAI_ALGORITHMS,
  XAI_APPROXIMATIONS,
  type XaiAlgorithm,
  type XaiParameters,
  xaiProblem,
} from './parameters.ts';
