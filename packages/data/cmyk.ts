/**
 * Printing colours to RGB as Pillow does it (`cmyk2rgb` of Convert.c): by arithmetic, without a profile.
 *
 * @param cmyk C, M, Y, K of each pixel: 0 is no ink
 * @param rgb receives the pixels
 */
export function cmykToRgb(cmyk: Uint8Array, rgb: Uint8Array): void {
  for (let from = 0, to = 0; from < cmyk.length; from += 4, to += 3) {
    const light = 255 - cmyk[from + 3];
    for (let c = 0; c < 3; c++) {
      const product = cmyk[from + c] * light + 128;
      rgb[to + c] = light - (((product >> 8) + product) >> 8);
    }
  }
}

/** Turns values round: in the JPEG files of Adobe, which are most, and by Pillow taken to be all, 255 is no ink. */
export function invert(values: Uint8Array): void {
  for (let i = 0; i < values.length; i++) values[i] = 255 - values[i];
}
