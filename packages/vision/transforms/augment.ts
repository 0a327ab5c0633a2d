/**
 * The module that the data loader's workers run on each decoded training image (`BatchLoader({augmentModule})`). Everything random
 * was drawn before, by seed, and arrives as the plan: the result is the same whichever worker does it.
 */
import type { Pixels } from '@fovea/data';
import { pixelsOfSample } from '../yolov5/augment-pixels.ts';
import type { SamplePlan } from '../yolov5/augment-plan.ts';
import { applyColourPlan, type ColourPlan } from './colour-jitter.ts';

export interface Augmentation {
  colour: ColourPlan;
}

/** @param pixels RGB, H × W × 3, changed in place */
export default function augment(pixels: Uint8Array, _width: number, _height: number, { colour }: Augmentation): void {
  applyColourPlan(pixels, colour);
}

/** How decoded images become one. Plain data, so that it can be sent to a worker. */
export type CompositionPlan =
  /** One image on a larger canvas, in whole pixels. */
  | { kind: 'canvas'; left: number; top: number; colour: readonly [number, number, number] }
  /** Several images by a plan of YOLOv5's, whose tiles name them by their place. */
  | { kind: 'yolov5'; plan: SamplePlan };

/** @param target RGB; all of it is written */
export function compose(images: readonly Pixels[], target: Pixels, plan: CompositionPlan): void {
  if (plan.kind === 'yolov5') target.pixels.set(pixelsOfSample(plan.plan, (image) => images[image]));
  else paste(images[0], target, plan);
}

function paste(
  { pixels, width, height }: Pixels,
  target: Pixels,
  { left, top, colour }: Extract<CompositionPlan, { kind: 'canvas' }>,
): void {
  target.pixels.set(colour);
  for (let done = 3; done < target.pixels.length; done *= 2) target.pixels.copyWithin(done, 0, done);
  for (let y = 0; y < height; y++) {
    const row = pixels.subarray(y * width * 3, (y + 1) * width * 3);
    target.pixels.set(row, ((top + y) * target.width + left) * 3);
  }
}
