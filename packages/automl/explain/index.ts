export { type ExplanationAnswer, explanationAnswer, type NestedAttributions } from './answer.ts';
export { type ExplainableNetwork, type ExplainOptions, type Explanation, explain } from './explain.ts';
export { ExplanationError } from './explanation-error.ts';
export {
  type Forward,
  type IntegratedGradientsOptions,
  integratedGradients,
} from './integrated-gradients.ts';
export { type IntegrationNode, type IntegrationRule, integrationNodes } from './integration-nodes.ts';
export { type Explainer, openExplainer } from './open-explainer.ts';
export { readXaiParameters, type XaiAlgorithm, type XaiParameters } from './parameters.ts';
export { atOnce, inTurns, type Steps } from './steps.ts';
