/** What lies beyond the border of an image: zeros, or the image mirrored with its edge pixels doubled (d c b a | a b c d). */
export type Border = 'zeros' | 'mirrored';

/** Rows of pixels, the values of a pixel's channels side by side. */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** height × width × channels. */
  readonly values: Float64Array;
}

/** Kernels end after so many deviations. */
const TRUNCATE = 4;

/**
 * Each channel blurred along both dimensions by a sampled, normalised Gaussian of radius ⌊4σ + ½⌋.
 *
 * @param sigma deviation in pixels along the height and the width; 0: not blurred along it
 */
export function gaussianBlur(image: Plane, [down, across]: readonly [number, number], border: Border): Plane {
  const { width, height, channels } = image;
  const along = (length: number, step: number, lines: Iterable<number>, sigma: number, values: Float64Array) =>
    sigma > 1e-15 ? blurLines(values, { length, step, lines }, gaussian(sigma), border) : values;
  const row = width * channels;
  const afterDown = along(height, row, numbers(row), down, image.values);
  const starts = numbers(height * channels).map((i) => Math.floor(i / channels) * row + (i % channels));
  return { width, height, channels, values: along(width, channels, starts, across, afterDown) };
}

/** Weights of offsets −radius … radius. */
function gaussian(sigma: number): Float64Array {
  const radius = Math.floor(TRUNCATE * sigma + 0.5);
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp((-0.5 / sigma ** 2) * (i - radius) ** 2),
  );
  const sum = kernel.reduce((a, b) => a + b);
  return kernel.map((weight) => weight / sum);
}

interface Lines {
  length: number;
  /** From one value of a line to its next. */
  step: number;
  /** Where lines start. */
  lines: Iterable<number>;
}

function blurLines(values: Float64Array, { length, step, lines }: Lines, kernel: Float64Array, border: Border) {
  const radius = kernel.length >> 1;
  const blurred = new Float64Array(values.length);
  const padded = new Float64Array(length + 2 * radius);
  for (const start of lines) {
    for (let i = -radius; i < length + radius; i++) {
      const at = border === 'mirrored' ? mirrored(i, length) : i;
      padded[i + radius] = at >= 0 && at < length ? values[start + at * step] : 0;
    }
    for (let i = 0; i < length; i++) {
      let sum = padded[i + radius] * kernel[radius];
      // From the ends of the kernel to its middle, as SciPy adds them up: which segments join can hang on the last bit.
      for (let k = radius; k >= 1; k--) sum += (padded[i + radius - k] + padded[i + radius + k]) * kernel[radius + k];
      blurred[start + i * step] = sum;
    }
  }
  return blurred;
}

function mirrored(i: number, length: number): number {
  const within = ((i % (2 * length)) + 2 * length) % (2 * length);
  return within < length ? within : 2 * length - 1 - within;
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
