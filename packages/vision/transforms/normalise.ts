/** Per-channel figures of the training set, for pixel values 0 … 1; [red, green, blue]. */
export interface Normalisation {
  mean: readonly number[];
  std: readonly number[];
}

/**
 * 8-bit pixels to what a network takes: `(x / 255 − mean) / std` in float32, each operation rounded as torchvision's
 * `ToTensor` + `Normalize` rounds it.
 *
 * @param pixels RGB, [N, H, W, 3] or one image [H, W, 3]
 * @param area H · W
 * @param out taken when given (it must have the length of `pixels`), else made
 * @returns [N, 3, H, W]
 * @throws RangeError when the pixels are not whole images of that area
 */
export function normalisePixels(
  pixels: Uint8Array,
  area: number,
  { mean, std }: Normalisation,
  out: Float32Array<ArrayBufferLike> = new Float32Array(pixels.length),
): Float32Array<ArrayBufferLike> {
  const image = 3 * area;
  if (pixels.length % image !== 0 || out.length !== pixels.length) {
    throw new RangeError(`${pixels.length} bytes to ${out.length} numbers: not whole RGB images of ${area} pixels`);
  }
  const [red, green, blue] = [0, 1, 2].map((c) => channelTable(mean[c], std[c]));
  for (let start = 0; start < pixels.length; start += image) {
    let from = start;
    for (let to = start; to < start + area; to++) {
      out[to] = red[pixels[from]];
      out[to + area] = green[pixels[from + 1]];
      out[to + 2 * area] = blue[pixels[from + 2]];
      from += 3;
    }
  }
  return out;
}

/** The 256 possible results of a channel: the division and subtraction are done once a value, not once a pixel. */
function channelTable(mean: number, std: number): Float32Array {
  const m = Math.fround(mean);
  const s = Math.fround(std);
  return Float32Array.from({ length: 256 }, (_, value) => Math.fround(Math.fround(value / 255) - m) / s);
}
