import { fromTypedArray, type nn, type Tensor, tensor, tidy } from '@fovea/torch';
import { ExplanationError, requireFinite } from './explanation-error.ts';
import { guidedBackprop, guidedGradCam } from './guided.ts';
import { integratedGradients } from './integrated-gradients.ts';
import { integrationNodes } from './integration-nodes.ts';
import type { XaiParameters } from './parameters.ts';
import { inTurns, type Steps } from './steps.ts';
import { heatOfPixels, heatOfRegions, visualize } from './visualization.ts';
import { xrai } from './xrai/xrai.ts';

/** A classifier as explanations see it. */
export interface ExplainableNetwork {
  /** In evaluation mode: `[N, 3, size, size]`, normalised → logits `[N, classes]`. */
  model: nn.Module;
  /** Path of the module that Grad-CAM looks at: `gradCam` of the model's entry. */
  gradCam: string;
  /** Height and width of the images in pixels. */
  size: number;
  /** Of red, green and blue, for values 0 … 1. */
  mean: readonly number[];
  std: readonly number[];
}

export interface ExplainOptions {
  parameters: XaiParameters;
  /** The classes to explain, by their places in the logits. */
  targets: readonly number[];
  signal?: AbortSignal;
}

/** Why a network says that a class is in an image. */
export interface Explanation {
  target: number;
  /**
   * What each value of the image says for the class, or where it is negative, against it: `[3, size, size]`. What xrai says of a
   * region stands at all of its pixels, in each channel.
   */
  attributions: Float32Array;
  /** A PNG of four squares (see `visualize`); null where none was asked for. */
  visualization: Uint8Array | null;
}

/**
 * Explains an image, once for each target. It can be given up between the steps of the integration, and before each target.
 *
 * ```ts
 * const parameters = readXaiParameters({ xai_algorithm: 'integrated_gradients', n_steps: 20 });
 * const [{ attributions, visualization }] = await explain(network, pixels, { parameters, targets: [3] });
 * ```
 * @param pixels RGB, size × size × 3
 * @throws ExplanationError for pixels of another size, a class that there is not, and a network that computes no finite values
 * @throws the reason of `signal` once it is aborted
 */
export async function explain(
  network: ExplainableNetwork,
  pixels: Uint8Array,
  { parameters, targets, signal }: ExplainOptions,
): Promise<Explanation[]> {
  requireFitting(network, pixels);
  if (targets.length === 0) return [];
  const attribute = parameters.xai_algorithm === 'xrai' ? ofRegions : ofPixels;
  const found = await inTurns(attribute(network, pixels, targets, parameters), signal);
  const square = { width: network.size, height: network.size };
  const explanations: Explanation[] = [];
  for (const [i, { attributions, heat }] of found.entries()) {
    signal?.throwIfAborted();
    const visualization = parameters.visualizations ? await visualize(pixels, heat(), square) : null;
    explanations.push({ target: targets[i], attributions, visualization });
  }
  return explanations;
}

/** `[1, 3, size, size]`, normalised; a tensor of the scope around. */
export function networkInput(network: ExplainableNetwork, pixels: Uint8Array): Tensor {
  return tidy(() => normalise(seenValues(pixels, network.size), network));
}

interface Found {
  attributions: Float32Array;
  heat: () => Float64Array;
}

function* ofRegions(
  network: ExplainableNetwork,
  pixels: Uint8Array,
  targets: readonly number[],
  { n_steps: steps, xrai_fast: fast }: XaiParameters,
): Steps<Found[]> {
  // On values as seen: its baselines are black and white, and its segments are found by colour.
  using image = seenValues(pixels, network.size);
  const forward = (x: Tensor) => network.model.forward(normalise(x, network));
  const ranked = yield* xrai(forward, image, { targets, steps, fast, batch: batchOf(network) });
  return ranked.map(({ heat }) => {
    const attributions = new Float32Array(3 * heat.length);
    for (const channel of [0, 1, 2]) attributions.set(heat, channel * heat.length);
    return { attributions, heat: () => heatOfRegions(heat) };
  });
}

function* ofPixels(
  network: ExplainableNetwork,
  pixels: Uint8Array,
  targets: readonly number[],
  parameters: XaiParameters,
): Steps<Found[]> {
  using input = networkInput(network, pixels);
  const found: Float32Array[] = [];
  const forward = (x: Tensor) => network.model.forward(x);
  if (parameters.xai_algorithm === 'integrated_gradients') {
    const nodes = integrationNodes(parameters.approximation_method, parameters.n_steps);
    using attributions = yield* integratedGradients(forward, input, { targets, nodes, batch: batchOf(network) });
    const values = attributions.data() as Float32Array;
    found.push(...targets.map((_, i) => values.slice(i * input.numel, (i + 1) * input.numel)));
  } else {
    const layer = parameters.xai_algorithm === 'guided_gradcam' ? gradCamLayer(network) : null;
    for (const target of targets) {
      const guided = () =>
        layer ? guidedGradCam(forward, input, target, { layer }) : guidedBackprop(forward, input, target);
      found.push(tidy(() => guided().data()) as Float32Array);
      yield;
    }
  }
  found.forEach(requireFinite);
  return found.map((attributions) => ({ attributions, heat: () => heatOfPixels(attributions) }));
}

/**
 * How many images go through a network together. Batches gain a quarter at most, and between them one who no longer waits is
 * noticed: the larger networks take a second for few images.
 */
function batchOf({ model, size }: ExplainableNetwork): number {
  const images = model.parameterCount > 40e6 ? 2 : 8;
  return Math.max(1, Math.floor((images * 224 ** 2) / size ** 2));
}

function gradCamLayer({ model, gradCam }: ExplainableNetwork): nn.AnyModule {
  const layer = model.namedModules().get(gradCam);
  if (layer) return layer;
  throw new ExplanationError(`guided_gradcam looks at the layer ${gradCam}, and the network has none of that name`);
}

/** Values 0 … 1 of RGB pixels, `[1, 3, size, size]`. */
function seenValues(pixels: Uint8Array, size: number): Tensor {
  return tidy(() => {
    const rows = fromTypedArray(pixels, [1, size, size, 3]).permute([0, 3, 1, 2]);
    return rows.to({ dtype: 'float32', memoryFormat: 'contiguous' }).div(255);
  });
}

function normalise(images: Tensor, { mean, std }: Pick<ExplainableNetwork, 'mean' | 'std'>): Tensor {
  const perChannel = (values: readonly number[]) => tensor(values).reshape([1, 3, 1, 1]);
  return images.sub(perChannel(mean)).div(perChannel(std));
}

function requireFitting({ size }: ExplainableNetwork, pixels: Uint8Array): void {
  if (pixels.length === size * size * 3) return;
  throw new ExplanationError(
    `the network takes RGB images of ${size} × ${size}, ${size * size * 3} bytes; this has ${pixels.length}`,
  );
}
