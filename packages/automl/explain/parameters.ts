// Loads no engine, so that whoever takes requests for explanations can check them.
import { ExplanationError } from './explanation-error.ts';

/** Ways to tell which pixels spoke for a class. */
export const XAI_ALGORITHMS = ['xrai', 'integrated_gradients', 'guided_gradcam', 'guided_backprop'] as const;
export type XaiAlgorithm = (typeof XAI_ALGORITHMS)[number];

export const XAI_APPROXIMATIONS = ['riemann_middle', 'gausslegendre'] as const;

/** What a request for an explanation can say; one set of keys for all algorithms. Names and defaults are Azure's. */
export interface XaiParameters {
  readonly xai_algorithm: XaiAlgorithm;
  /** Whether pictures are answered. */
  readonly visualizations: boolean;
  /** Whether numbers are answered. */
  readonly attributions: boolean;
  /** Of a multi-label model: the classes of this probability and more are explained. */
  readonly confidence_score_threshold_multilabel: number;
  /** Of xrai and integrated_gradients: points on the path to the image. */
  readonly n_steps: number;
  /** Of xrai: faster, less exact. */
  readonly xrai_fast: boolean;
  /** Of integrated_gradients. */
  readonly approximation_method: (typeof XAI_APPROXIMATIONS)[number];
}

const DEFAULTS: XaiParameters = {
  xai_algorithm: 'xrai',
  visualizations: true,
  attributions: false,
  confidence_score_threshold_multilabel: 0.5,
  n_steps: 50,
  xrai_fast: true,
  approximation_method: 'riemann_middle',
};

/** More would keep a machine busy for minutes, and converged long ago. */
const MOST_STEPS = 1000;

/** What is wrong with a value, in words that follow it; null: nothing. */
type Rule = (value: unknown) => string | null;

const isBoolean: Rule = (value) => (typeof value === 'boolean' ? null : 'should be true or false');
const oneOf =
  (names: readonly string[]): Rule =>
  (value) =>
    names.includes(value as string) ? null : `should be one of ${names.join(', ')}`;

const RULES: Record<keyof XaiParameters, Rule> = {
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
  approximation_method: oneOf(XAI_APPROXIMATIONS),
};

/** What is wrong with the value of a parameter, in words that follow its name; null: nothing. */
export const xaiProblem = (key: keyof XaiParameters, value: unknown): string | null => RULES[key](value);

/**
 * The `xai_parameters` of a request, with the defaults for what it does not say.
 *
 * @throws ExplanationError that names everything wrong with them
 */
export function readXaiParameters(given: unknown = {}): XaiParameters {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new ExplanationError('xai_parameters should be an object');
  const problems: string[] = [];
  for (const [key, value] of Object.entries(given)) {
    if (!Object.hasOwn(RULES, key)) {
      const known = Object.keys(RULES).join(', ');
      problems.push(`${JSON.stringify(key.slice(0, 100))} is no parameter; there are ${known}`);
      continue;
    }
    const problem = RULES[key as keyof XaiParameters](value);
    if (problem) problems.push(`${key} ${problem}`);
  }
  if (problems.length > 0) throw new ExplanationError(problems.join('; '));
  return { ...DEFAULTS, ...given };
}
