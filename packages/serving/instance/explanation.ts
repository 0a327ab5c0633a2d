import type { Prediction } from '../load-model.ts';
import type { ExplanationParameters } from './explanation-parameters.ts';

/** An answer whose reasons are wanted. */
export interface ExplanationRequest {
  /** The bytes of the image's file. */
  readonly image: Uint8Array;
  /** What was said of it. */
  readonly prediction: Prediction;
  readonly parameters: ExplanationParameters;
  /** Aborted when nobody waits for it any more. */
  readonly signal: AbortSignal;
}

/** What goes into the answer beside `probs` and `labels`: for one class, or of a multi-label model lists over classes. */
export interface Explanation {
  /** Base64 of PNG. */
  readonly visualizations?: string | readonly string[];
  /** [3, valid_crop_size, valid_crop_size] */
  readonly attributions?: readonly unknown[];
}

/**
 * Says which pixels an answer comes from. An instance knows no way of its own: its network has no gradients.
 * What is wrong with the request it throws as a `RequestError`.
 */
export type Explain = (request: ExplanationRequest) => Promise<Explanation>;

/** What the module of the option `explainer` exports. @param folder the model folder */
export type OpenExplainer = (folder: string) => Promise<Explain>;
