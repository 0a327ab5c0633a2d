/**
 * The module that the data loader's workers run on each decoded training image (`BatchLoader({augmentModule})`). Everything random
 * was drawn before, by seed, and arrives as the plan: the result is the same whichever worker does it.
 */
import { applyColourPlan, type ColourPlan } from './colour-jitter.ts';

export interface Augmentation {
  colour: ColourPlan;
}

/** @param pixels RGB, H × W × 3, changed in place */
export default function augment(pixels: Uint8Array, _width: number, _height: number, { colour }: Augmentation): void {
  applyColourPlan(pixels, colour);
}
