/**
 * Changes of colour on 8-bit RGB pixels (H × W × 3, interleaved), in place, bit for bit as Pillow does them
 * (`ImageEnhance.Brightness/Contrast/Color` and the HSV conversions that torchvision's `adjust_hue` goes through).
 * Pillow blends in single precision and cuts off fractions; `Math.fround` stands where its C code has a float.
 */

/** Times `factor`: 0 is black, 1 the image itself. */
export function adjustBrightness(pixels: Uint8Array, factor: number): void {
  applyTable(pixels, blendTable(0, factor));
}

/** Away from (factor > 1) or towards (< 1) the image's mean luma: 0 is flat grey, 1 the image itself. */
export function adjustContrast(pixels: Uint8Array, factor: number): void {
  if (factor === 1) return;
  let sum = 0;
  for (let i = 0; i < pixels.length; i += 3) sum += luma(pixels[i], pixels[i + 1], pixels[i + 2]);
  applyTable(pixels, blendTable(Math.floor(sum / (pixels.length / 3) + 0.5), factor));
}

/** Away from or towards each pixel's own luma: 0 is a greyscale image, 1 the image itself. */
export function adjustSaturation(pixels: Uint8Array, factor: number): void {
  if (factor === 1) return;
  const alpha = Math.fround(factor);
  for (let i = 0; i < pixels.length; i += 3) {
    const r = pixels[i];
    const g = pixels[i + 1];
    const b = pixels[i + 2];
    const grey = luma(r, g, b);
    pixels[i] = blend(grey, r, alpha);
    pixels[i + 1] = blend(grey, g, alpha);
    pixels[i + 2] = blend(grey, b, alpha);
  }
}

/**
 * Turns every hue by `factor` of the colour circle, −0.5 … 0.5. The way goes through 8-bit HSV, which costs some precision: a factor
 * of 0 also changes pixels a little.
 *
 * @throws RangeError for a factor outside that range
 */
export function adjustHue(pixels: Uint8Array, factor: number): void {
  if (!(factor >= -0.5 && factor <= 0.5)) throw new RangeError(`hue factor ${factor} is not within −0.5 … 0.5`);
  const shift = Math.trunc(factor * 255);
  for (let i = 0; i < pixels.length; i += 3) {
    const r = pixels[i];
    const g = pixels[i + 1];
    const b = pixels[i + 2];
    const max = r > g ? (r > b ? r : b) : g > b ? g : b;
    const min = r < g ? (r < b ? r : b) : g < b ? g : b;
    if (max === min) continue; // grey has no hue: saturation 0
    const range = max - min;

    const rc = Math.fround((max - r) / range);
    const gc = Math.fround((max - g) / range);
    const bc = Math.fround((max - b) / range);
    const sixths = Math.fround(r === max ? Math.fround(bc - gc) : g === max ? 2 + rc - bc : 4 + gc - rc);
    let turn = sixths / 6 + 1;
    if (turn >= 1) turn -= 1; // fmod(…, 1): sixths is in −1 … 5, so one subtraction is enough
    const h = (((Math.fround(turn) * 255) | 0) + shift) & 255;
    const s = (Math.fround(range / max) * 255) | 0;
    if (s === 0) {
      pixels[i] = pixels[i + 1] = pixels[i + 2] = max;
      continue;
    }

    const position = (h * 6) / 255;
    const sector = position | 0;
    const f = Math.fround(position - sector);
    const fs = Math.fround(s / 255);
    const p = (max * (1 - fs) + 0.5) | 0;
    const q = (max * (1 - Math.fround(fs * f)) + 0.5) | 0;
    const t = (max * (1 - fs * (1 - f)) + 0.5) | 0;
    const k = sector === 6 ? 0 : sector;
    pixels[i] = k === 0 || k === 5 ? max : k === 1 ? q : k === 4 ? t : p;
    pixels[i + 1] = k === 1 || k === 2 ? max : k === 0 ? t : k === 3 ? q : p;
    pixels[i + 2] = k === 3 || k === 4 ? max : k === 2 ? t : k === 5 ? q : p;
  }
}

/** ITU-R 601 luma in Pillow's fixed point (`L24` of its Convert.c). */
function luma(r: number, g: number, b: number): number {
  return (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
}

/** Pillow's `Image.blend` of one value: from + alpha · (to − from), cut to 0 … 255. */
function blend(from: number, to: number, alpha: number): number {
  const value = Math.fround(from + Math.fround(alpha * (to - from)));
  return value <= 0 ? 0 : value >= 255 ? 255 : value | 0;
}

function blendTable(from: number, factor: number): Uint8Array {
  const alpha = Math.fround(factor);
  return Uint8Array.from({ length: 256 }, (_, value) => blend(from, value, alpha));
}

function applyTable(pixels: Uint8Array, table: Uint8Array): void {
  for (let i = 0; i < pixels.length; i++) pixels[i] = table[pixels[i]];
}
