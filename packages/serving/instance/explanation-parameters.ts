import { badRequest } from './request-error.ts';

/** Ways to tell which pixels spoke for a class. */
export const XAI_ALGORITHMS = ['xrai', 'integrated_gradients', 'guided_gradcam', 'guided_backprop'] as const;
export type XaiAlgorithm = (typeof XAI_ALGORITHMS)[number];

const APPROXIMATIONS = ['riemann_middle', 'gausslegendre'] as const;

/** What is asked for with a picture, defaults filled in. Names and defaults are Azure's. */
export interface ExplanationParameters {
  readonly xai_algorithm: XaiAlgorithm;
  /** Pictures are wanted. */
  readonly visualizations: boolean;
  /** Numbers are wanted. */
  readonly attributions: boolean;
  /** Of a multi-label model: classes from this probability on are explained. */
  readonly confidence_score_threshold_multilabel: number;
  /** Of xrai and integrated_gradients; 2 or more. */
  readonly n_steps: number;
  /** Of xrai: faster, less exact. */
  readonly xrai_fast: boolean;
  /** Of integrated_gradients. */
  readonly approximation_method: (typeof APPROXIMATIONS)[number];
}

const DEFAULTS: ExplanationParameters = {
  xai_algorithm: 'xrai',
  visualizations: true,
  attributions: false,
  confidence_score_threshold_multilabel: 0.5,
  n_steps: 50,
  xrai_fast: true,
  approximation_method: 'riemann_middle',
};

/** More steps change nothing any more, and each is a pass through the network. */
const MOST_STEPS = 1000;

/** What is wrong with a value, in words that follow it; null: nothing. */
type Rule = (value: unknown) => string | null;

const isBoolean: Rule = (value) => (typeof value === 'boolean' ? null : 'should be true or false');
const oneOf =
  (names: readonly string[]): Rule =>
  (value) =>
    names.includes(value as string) ? null : `should be one of ${names.join(', ')}`;

const RULES: Record<keyof ExplanationParameters, Rule> = {
  xai_algorithm: oneOf(XAI_ALGORITHMS),
  visualizations: isBoolean,
  attributions: isBoolean,
  confidence_score_threshold_multilabel: (value) =>
    typeof value === 'number' && value >= 0 && value <= 1 ? null : 'should be a number, 0 … 1',
  n_steps: (value) =>
    Number.isInteger(value) && Number(value) >= 2 && Number(value) <= MOST_STEPS
      ? null
      : `should be a whole number, 2 … ${MOST_STEPS}`,
  xrai_fast: isBoolean,
  approximation_method: oneOf(APPROXIMATIONS),
};

/**
 * `xai_parameters` of a request.
 *
 * @param target place in the request, for errors
 * @throws RequestError (400) for what Azure does not document, all problems at once
 */
export function explanationParameters(given: unknown, target: string): ExplanationParameters {
  if (given === undefined || given === null) return DEFAULTS;
  if (typeof given !== 'object' || Array.isArray(given)) throw badRequest('xai_parameters should be an object', target);
  const problems: string[] = [];
  for (const [key, value] of Object.entries(given)) {
    if (!Object.hasOwn(RULES, key)) {
      const known = Object.keys(RULES).join(', ');
      problems.push(`${JSON.stringify(key.slice(0, 100))} is no parameter; there are ${known}`);
      continue;
    }
    const problem = RULES[key as keyof ExplanationParameters](value);
    if (problem) problems.push(`${key} ${problem}`);
  }
  if (problems.length > 0) throw badRequest(problems.join('; '), target);
  return { ...DEFAULTS, ...given };
}
