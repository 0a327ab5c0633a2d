import { ExplanationError, readXaiParameters, type XaiParameters } from '@fovea/automl/explanation-parameters';
import { badRequest } from './request-error.ts';

export { XAI_ALGORITHMS, type XaiAlgorithm } from '@fovea/automl/explanation-parameters';

/** What is asked for with a picture, defaults filled in. */
export type ExplanationParameters = XaiParameters;

/**
 * `xai_parameters` of a request.
 *
 * @param target place in the request, for errors
 * @throws RequestError (400) for what Azure does not document, all problems at once
 */
export function explanationParameters(given: unknown, target: string): ExplanationParameters {
  try {
    return readXaiParameters(given ?? {});
  } catch (error) {
    if (error instanceof ExplanationError) throw badRequest(error.message, target);
    throw error;
  }
}
