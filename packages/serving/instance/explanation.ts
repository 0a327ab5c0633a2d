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
 * Says which pixels an answer comes from. What is wrong with a request it throws as an error that is named `RequestError`,
 * `ExplanationError` or `IssuesError`.
 */
export type Explain = (request: ExplanationRequest) => Promise<Explanation>;

/** What the module of the option `explainer` exports as `openExplainer`; a thread calls it. @param folder the model folder */
export type OpenExplainer = (folder: string) => Promise<Explain>;
