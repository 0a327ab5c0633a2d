import type { Explain, Explanation } from './explanation.ts';
import type { ImageReaders } from './image-readers.ts';
import { fetchImage, type ImageAddresses } from './image-url.ts';
import type { Answer } from './model-thread.ts';
import { Permits } from './permits.ts';
import { badRequest } from './request-error.ts';
import type { AskedImage } from './score-request.ts';
import type { ScoringModel } from './served-model.ts';

export interface ScorerParts {
  readonly model: ScoringModel;
  readonly readers: ImageReaders;
  /** Null: this instance explains nothing. */
  readonly explain: Explain | null;
  readonly imageAddresses: ImageAddresses;
  /** Of an image that is fetched. */
  readonly mostBytes: number;
}

/** The answer to an image, with what explains it. */
export type ScoredImage = Answer & Explanation;

/** Images that are prepared while others are in the network. Those of detectors are large: a whole picture each. */
const AHEAD = { input: 64, whole: 3 };

/** From the images of a request to the answers to them. */
export class Scorer {
  readonly #parts: ScorerParts;
  readonly #ahead: Permits;
  /** Explanations take memory by the gigabyte: one after the other. */
  readonly #explaining = new Permits(1);

  constructor(parts: ScorerParts) {
    this.#parts = parts;
    this.#ahead = new Permits(parts.model.preparation ? AHEAD.input : AHEAD.whole);
  }

  /**
   * One answer for each image, in their order.
   *
   * @throws RequestError naming the first image that cannot be answered; the others are given up then
   * @throws the reason of the signal
   */
  async score(images: readonly AskedImage[], signal: AbortSignal): Promise<ScoredImage[]> {
    for (const { explanation, target } of images) if (explanation) this.#requireExplainable(target);
    const failure = new AbortController();
    const either = AbortSignal.any([signal, failure.signal]);
    try {
      return await Promise.all(images.map((image) => this.#ahead.hold(either, () => this.#one(image, either))));
    } catch (error) {
      failure.abort(error);
      throw error;
    }
  }

  async #one({ source, explanation, target }: AskedImage, signal: AbortSignal): Promise<ScoredImage> {
    const { model, readers, explain, imageAddresses, mostBytes } = this.#parts;
    const options = { addresses: imageAddresses, mostBytes, signal, target };
    const bytes = source instanceof URL ? await fetchImage(source, options) : source;
    const image = explanation && explain ? Uint8Array.from(bytes) : null;
    const prepared = await readers.read({ bytes, preparation: model.preparation, target, signal });
    const answer = await model.score(prepared, signal);
    if ('refused' in answer) throw badRequest(answer.refused, target);
    if (!image || !explanation || !explain || !('probs' in answer)) return answer;
    const request = { image, prediction: answer, parameters: explanation, signal };
    const { visualizations, attributions } = await this.#explaining.hold(signal, () =>
      unlessAborted(signal, explain(request)),
    );
    return { ...answer, ...(visualizations && { visualizations }), ...(attributions && { attributions }) };
  }

  #requireExplainable(target: string): void {
    const { model, explain } = this.#parts;
    const { task, modelName } = model.model;
    if (task === 'image_object_detection' || task === 'image_instance_segmentation')
      throw badRequest(`${modelName} finds objects (${task}); only classification is explained`, target);
    if (explain === null)
      throw badRequest('this instance was started without explanations; ask without model_explainability', target);
  }
}

/** What a promise gives, if the signal is not aborted before. */
async function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
