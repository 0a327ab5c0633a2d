import sharp from 'sharp';
import { bgyw } from './bgyw.ts';

/** The share of the pixels that are shown where only the most important ones are. */
const SHOWN = 0.3;
/** What a heat map counts for over the image. */
const OPACITY = 0.5;
/** What the few largest attributions of single pixels add up to at most, so that they do not leave all others dark: captum's default. */
const OUTLIERS = 0.02;

/**
 * Four pictures: the image and its heat map; the heat map over the image, and the most important 30 % of the pixels.
 *
 * @param pixels RGB, height × width × 3
 * @param heat of each pixel 0 … 1
 * @returns a PNG, twice as wide and as high as the image
 */
export async function visualize(
  pixels: Uint8Array,
  heat: Float64Array,
  { width, height }: { width: number; height: number },
): Promise<Uint8Array> {
  const row = 2 * width * 3;
  const picture = Buffer.alloc(2 * height * row);
  const threshold = percentile(heat, 1 - SHOWN);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const isShown = heat[at] >= threshold && heat[at] > 0;
      const colour = bgyw(heat[at]);
      for (let channel = 0; channel < 3; channel++) {
        const seen = pixels[at * 3 + channel];
        const upper = y * row + x * 3 + channel;
        const lower = upper + height * row;
        picture[upper] = seen;
        picture[upper + width * 3] = colour[channel];
        picture[lower] = Math.round(OPACITY * colour[channel] + (1 - OPACITY) * seen);
        picture[lower + width * 3] = isShown ? seen : 0;
      }
    }
  }
  return sharp(picture, { raw: { width: 2 * width, height: 2 * height, channels: 3 } })
    .png()
    .toBuffer();
}

/** The heat of regions: from the least to the most important one. */
export function heatOfRegions(attributions: Float64Array): Float64Array {
  const lowest = attributions.reduce((a, b) => Math.min(a, b));
  const highest = attributions.reduce((a, b) => Math.max(a, b));
  return attributions.map((value) => (highest > lowest ? (value - lowest) / (highest - lowest) : 0));
}

/**
 * The heat of single pixels: what speaks for the class, summed over the channels, up to where all but the largest have added up to
 * 98 % of it. What speaks against the class is 0.
 *
 * @param attributions `[3, size, size]`
 */
export function heatOfPixels(attributions: Float32Array): Float64Array {
  const area = attributions.length / 3;
  const sums = Float64Array.from({ length: area }, (_, at) =>
    Math.max(0, attributions[at] + attributions[area + at] + attributions[2 * area + at]),
  );
  const ascending = sums.toSorted();
  const total = sums.reduce((a, b) => a + b);
  let [added, place] = [ascending[0], 0];
  while (added < total * (1 - OUTLIERS) && place < area - 1) added += ascending[++place];
  const most = ascending[place];
  return sums.map((value) => (most > 0 ? Math.min(1, value / most) : 0));
}

/** The value that a share of all is below of, between two of them where it falls there. */
function percentile(values: Float64Array, share: number): number {
  const sorted = values.toSorted();
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  return sorted[below] + (at - below) * (sorted[Math.min(below + 1, sorted.length - 1)] - sorted[below]);
}
