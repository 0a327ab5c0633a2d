import { enableGrad, grad, type nn, ops, type RecordedCall, recordCalls, type Tensor, tidy } from '@fovea/torch';
import type { Forward } from './integrated-gradients.ts';

const RELU = /^aten::relu_?$/;

/**
 * The gradient of a logit where every ReLU hands on what is positive alone: guided backpropagation, Springenberg et al. 2014,
 * https://arxiv.org/abs/1412.6806. As in captum, that is ReLU and no other activation: the gradients of ReLU6 (MobileNetV2) and
 * GELU (ViT) stay what they are.
 *
 * @param input `[1, C, H, W]`
 * @returns `[C, H, W]`, a tensor of the scope around
 */
export function guidedBackprop(forward: Forward, input: Tensor, target: number): Tensor {
  return tidy(() => {
    const image = input.detach();
    image.requiresGrad = true;
    const { result: logits, calls } = recordCalls(() => enableGrad(() => forward(image)));
    guideRelus(calls, () => true);
    return gradientOf(logits, target, image).squeeze(0);
  });
}

export interface GuidedGradCamOptions {
  /** The module whose output Grad-CAM looks at. */
  layer: nn.AnyModule;
  /** How the map comes to the size of the image. Captum's and this one's default: `nearest`. */
  interpolation?: 'nearest' | 'bilinear';
}

/**
 * Guided backpropagation, times the Grad-CAM of a layer: both from one pass through the network.
 * Selvaraju et al. 2016, https://arxiv.org/abs/1610.02391, section 3.2.
 *
 * @returns `[C, H, W]`, a tensor of the scope around
 */
export function guidedGradCam(
  forward: Forward,
  input: Tensor,
  target: number,
  { layer, interpolation = 'nearest' }: GuidedGradCamOptions,
): Tensor {
  return tidy(() => {
    const image = input.detach();
    image.requiresGrad = true;
    let isGuided = false;
    const { result, calls } = recordCalls(() => enableGrad(() => withOutput(layer, () => forward(image))));
    guideRelus(calls, () => isGuided);
    const map = mapOf(result.output, gradientOf(result.logits, target, result.output, true)).relu();
    isGuided = true;
    const guided = gradientOf(result.logits, target, image);
    const size = image.shape.slice(2);
    const large =
      interpolation === 'nearest' ? ops.upsampleNearest2d(map, size) : ops.upsampleBilinear2d(map, size, false);
    return guided.mul(large).squeeze(0);
  });
}

/**
 * Where in a layer's maps a logit comes from: the maps, weighted by the mean gradients of the logit by each.
 * Selvaraju et al. 2016, equations 1 and 2, before negative values are cut off.
 *
 * @returns `[1, 1, h, w]`, a tensor of the scope around
 */
export function gradCam(forward: Forward, input: Tensor, target: number, layer: nn.AnyModule): Tensor {
  return tidy(() => {
    const image = input.detach();
    // Networks whose parameters stand still have a gradient all the same.
    image.requiresGrad = true;
    const { logits, output } = enableGrad(() => withOutput(layer, () => forward(image)));
    return mapOf(output, gradientOf(logits, target, output));
  });
}

/** What a pass through the network answers, and what came out of a layer in it. */
function withOutput(layer: nn.AnyModule, pass: () => Tensor): { logits: Tensor; output: Tensor } {
  let output: unknown;
  const remove = layer.registerForwardHook((_, value) => {
    output = value;
    return undefined;
  });
  try {
    const logits = pass();
    if (!isTensor(output)) throw new Error('Grad-CAM needs a layer that is part of the network and gives one tensor');
    return { logits, output };
  } finally {
    remove();
  }
}

const isTensor = (value: unknown): value is Tensor =>
  typeof value === 'object' && value !== null && 'requiresGrad' in value;

function mapOf(output: Tensor, gradient: Tensor): Tensor {
  const [maps, gradients] = [output, gradient].map(onGrid);
  return gradients.mean([2, 3], true).mul(maps).sum(1, true);
}

/** Tokens of a transformer, `[1, 1 + n · n, C]` with the class token first, as maps `[1, C, n, n]`; maps as they are. */
function onGrid(values: Tensor): Tensor {
  if (values.ndim === 4) return values;
  const [images, tokens, channels] = values.shape;
  const side = Math.sqrt(tokens - 1);
  return values.slice(1, 1).transpose(1, 2).reshape([images, channels, side, side]);
}

/** d logit / d value. */
function gradientOf(logits: Tensor, target: number, value: Tensor, retainGraph = false): Tensor {
  const score = enableGrad(() => logits.select(1, target).sum());
  const [gradient] = grad(score, [value], { retainGraph });
  if (!gradient) throw new Error('the logits do not depend on the image');
  return gradient;
}

/**
 * Makes every ReLU of a recorded pass guided. The gradient is cut where it comes in: what the ReLU itself then does to it, setting it
 * to zero where the input was not positive, can be done before or after.
 */
function guideRelus(calls: readonly RecordedCall[], isGuided: () => boolean): void {
  const writers = new Map(calls.flatMap((call) => call.outputs.map((output) => [output, call])));
  for (const { operator, outputs } of calls) {
    if (!RELU.test(operator)) continue;
    const [output] = outputs as [Tensor];
    if (!output.requiresGrad) continue;
    if (!RELU.test(writers.get(output)?.operator ?? ''))
      throw new Error('a ReLU of this network is overwritten in place by a later operation: it cannot be guided');
    output.registerHook((gradient) => (isGuided() ? gradient.relu() : undefined));
  }
}
