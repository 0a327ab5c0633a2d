import { z } from 'zod';
import { ExplanationError } from './explanation-error.ts';

/** More would keep a machine busy for minutes, and converged long ago. */
const MOST_STEPS = 1000;

const schema = z.strictObject({
  xai_algorithm: z.enum(['xrai', 'integrated_gradients', 'guided_gradcam', 'guided_backprop']).default('xrai'),
  /** Whether pictures are answered. */
  visualizations: z.boolean().default(true),
  /** Whether numbers are answered. */
  attributions: z.boolean().default(false),
  /** Of a multi-label model: the classes of this probability and more are explained. */
  confidence_score_threshold_multilabel: z.number().min(0).max(1).default(0.5),
  /** Of xrai and integrated_gradients: points on the path to the image. */
  n_steps: z.int().min(2).max(MOST_STEPS).default(50),
  /** Of xrai: faster, less exact. */
  xrai_fast: z.boolean().default(true),
  /** Of integrated_gradients. */
  approximation_method: z.enum(['riemann_middle', 'gausslegendre']).default('riemann_middle'),
});

/** What a request for an explanation can say; one set of keys for all algorithms. */
export type XaiParameters = Readonly<z.infer<typeof schema>>;

export type XaiAlgorithm = XaiParameters['xai_algorithm'];

/**
 * The `xai_parameters` of a request, with the defaults for what it does not say.
 *
 * @throws ExplanationError that names everything wrong with them
 */
export function readXaiParameters(given: unknown = {}): XaiParameters {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message, code, ...issue }) => {
    if (code === 'unrecognized_keys' && 'keys' in issue)
      return `${issue.keys.join(', ')}: there is no such parameter; there are ${Object.keys(schema.shape).join(', ')}`;
    return path.length > 0 ? `${path.join('.')}: ${message}` : message;
  });
  throw new ExplanationError(`xai_parameters: ${problems.join('; ')}`);
}
