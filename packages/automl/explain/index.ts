export { type ExplanationAnswer, explanationAnswer, type NestedAttributions } from './answer.ts';
export { type ExplainableNetwork, type ExplainOptions, type Explanation, explain } from './explain.ts';
export { ExplanationError } from './explanation-error.ts';
export {
  type Forward,
  type IntegratedGradientsOptions,
  integratedGradients,
} from './integrated-gradients.ts';
export { type IntegrationNode, type IntegrationRule, integrationNodes } from './integration-nodes.ts';
export { boxHeat, type FoundBox } from './objects/box-heat.ts';
export { type ExplainedObject, type ObjectExplainer, openObjectExplainer } from './objects/open-object-explainer.ts';
export { type EngineOptions, type Explainer, openExplainer } from './open-explainer.ts';
export { readXaiParameters, type XaiAlgorithm, type XaiParameters } from './parameters.ts';
export { atOnce, inTurns, type Steps } from './steps.ts';
