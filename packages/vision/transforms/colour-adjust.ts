/**
 * Changes of colour on 8-bit RGB pixels (H × W × 3, interleaved), in place, bit for bit as Pillow does them
 * (`ImageEnhance.Brightness/Contrast/Color` and the HSV conversions that torchvision's `adjust_hue` goes through).
 * Pillow blends in single precision and cuts off fractions.
 */
import { changePixels, type PixelMemory } from './colour-kernels.ts';

/** The same operations on pixels that the kernels hold already. */
export const adjust = {
  brightness: ({ blend, end }: PixelMemory, factor: number): void => blend(end, 0, factor),

  contrast({ blend, lumaSum, end, pixels }: PixelMemory, factor: number): void {
    blend(end, Math.floor(lumaSum(end) / pixels + 0.5), factor);
  },

  saturation: ({ saturation, end }: PixelMemory, factor: number): void => saturation(end, factor),

  hue({ hue, end }: PixelMemory, factor: number): void {
    if (!(factor >= -0.5 && factor <= 0.5)) throw new RangeError(`hue factor ${factor} is not within −0.5 … 0.5`);
    hue(end, Math.trunc(factor * 255));
  },
};

/** Times `factor`: 0 is black, 1 the image itself. */
export function adjustBrightness(pixels: Uint8Array, factor: number): void {
  changePixels(pixels, (memory) => adjust.brightness(memory, factor));
}

/** Away from (factor > 1) or towards (< 1) the image's mean luma: 0 is flat grey, 1 the image itself. */
export function adjustContrast(pixels: Uint8Array, factor: number): void {
  changePixels(pixels, (memory) => adjust.contrast(memory, factor));
}

/** Away from or towards each pixel's own luma: 0 is a greyscale image, 1 the image itself. */
export function adjustSaturation(pixels: Uint8Array, factor: number): void {
  changePixels(pixels, (memory) => adjust.saturation(memory, factor));
}

/**
 * Turns every hue by `factor` of the colour circle, −0.5 … 0.5. The way goes through 8-bit HSV, which costs some precision: a factor
 * of 0 also changes pixels a little.
 *
 * @throws RangeError for a factor outside that range
 */
export function adjustHue(pixels: Uint8Array, factor: number): void {
  changePixels(pixels, (memory) => adjust.hue(memory, factor));
}
