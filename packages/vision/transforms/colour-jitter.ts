import { adjust } from './colour-adjust.ts';
import { changePixels } from './colour-kernels.ts';
import type { Random } from './random.ts';

/** Ranges of the factors. The first three are multiplied with (1 leaves the image as it is), hue is added (0 does). */
export interface ColourJitter {
  brightness: [number, number];
  contrast: [number, number];
  saturation: [number, number];
  hue: [number, number];
}

const OPERATIONS = ['brightness', 'contrast', 'saturation', 'hue'] as const;

/** What one image gets, in this order. Plain data, so that it can be sent to a worker. */
export type ColourPlan = { operation: (typeof OPERATIONS)[number]; factor: number }[];

/**
 * Ranges from strengths, as `torchvision.transforms.ColorJitter(brightness, contrast, saturation, hue)` makes them:
 * [max(0, 1 − x), 1 + x], and [−hue, hue].
 *
 * @throws RangeError for a negative strength or hue over 0.5
 */
export function colourJitter({ brightness = 0, contrast = 0, saturation = 0, hue = 0 }): ColourJitter {
  for (const [name, strength] of Object.entries({ brightness, contrast, saturation, hue })) {
    if (!(strength >= 0)) throw new RangeError(`${name} must not be negative, and is ${strength}`);
  }
  if (hue > 0.5) throw new RangeError(`hue must be at most 0.5, and is ${hue}`);
  const around = (x: number): [number, number] => [Math.max(0, 1 - x), 1 + x];
  return {
    brightness: around(brightness),
    contrast: around(contrast),
    saturation: around(saturation),
    hue: [-hue, hue],
  };
}

/**
 * Draws the order and the factors for one image, in the order in which torchvision's `ColorJitter.get_params` draws them. A range
 * that is a single neutral value draws nothing and leaves its operation out.
 */
export function drawColourJitter(random: Random, jitter: ColourJitter): ColourPlan {
  const order = random.permutation(OPERATIONS.length);
  const factors = OPERATIONS.map((operation) => {
    const [from, to] = jitter[operation];
    const neutral = operation === 'hue' ? 0 : 1;
    return from === neutral && to === neutral ? null : random.uniform(from, to);
  });
  return order.flatMap((i) => {
    const factor = factors[i];
    return factor === null ? [] : [{ operation: OPERATIONS[i], factor }];
  });
}

/** Carries out a plan on 8-bit RGB pixels (H × W × 3), in place. */
export function applyColourPlan(pixels: Uint8Array, plan: ColourPlan): void {
  changePixels(pixels, (memory) => {
    for (const { operation, factor } of plan) adjust[operation](memory, factor);
  });
}
