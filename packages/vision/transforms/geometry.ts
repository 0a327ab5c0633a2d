/** Which part of an image is taken and how large it becomes: torchvision's definitions, as arithmetic on sizes alone. */
import type { Random } from './random.ts';

export interface Size {
  width: number;
  height: number;
}

/** Pixels; `left` and `top` count from the upper left corner. */
export interface Rectangle extends Size {
  left: number;
  top: number;
}

/**
 * The size after `torchvision.transforms.Resize(size)`: the shorter side becomes `size`, the longer one keeps the proportion and is
 * rounded down (at least 1).
 */
export function resizeShortSide(width: number, height: number, size: number): Size {
  requireSize(width, height);
  const long = Math.max(1, Math.floor((size * Math.max(width, height)) / Math.min(width, height)));
  return width <= height ? { width: size, height: long } : { width: long, height: size };
}

/** What `centreCrop` takes: a rectangle of the image, and where it goes in the `size` × `size` result (zeros around it). */
export interface CentreCrop {
  source: Rectangle;
  /** Zero unless the image is smaller than the crop. */
  left: number;
  top: number;
}

/**
 * The middle `size` × `size` of an image, as `torchvision.transforms.CenterCrop(size)`: the offset is rounded half to even; an image
 * smaller than the crop stands in the middle of zeros (the odd pixel to the right and below).
 */
export function centreCrop(width: number, height: number, size: number): CentreCrop {
  requireSize(width, height);
  const x = centre(width, size);
  const y = centre(height, size);
  return {
    source: { left: x.offset, top: y.offset, width: x.length, height: y.length },
    left: x.padding,
    top: y.padding,
  };
}

function centre(length: number, size: number) {
  if (length < size) return { offset: 0, length, padding: Math.floor((size - length) / 2) };
  return { offset: roundHalfToEven((length - size) / 2), length: size, padding: 0 };
}

/**
 * A random part of an image for training, as `torchvision.transforms.RandomResizedCrop.get_params`: area uniform in `scale` of the
 * image's, logarithm of width/height uniform in `ratio`'s. After ten attempts that do not fit, the middle of the image with the
 * nearest allowed ratio. The part is resized to the training size by the caller.
 *
 * From `torchRandom(seed)` it draws exactly what torchvision draws after `torch.manual_seed(seed)`.
 */
export function randomResizedCrop(
  width: number,
  height: number,
  random: Random,
  { scale = [0.08, 1], ratio = [3 / 4, 4 / 3] }: { scale?: [number, number]; ratio?: [number, number] } = {},
): Rectangle {
  requireSize(width, height);
  const [logLow, logHigh] = ratio.map((r) => Math.fround(Math.log(Math.fround(r))));
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = width * height * random.uniform(scale[0], scale[1]);
    const aspect = Math.fround(Math.exp(random.uniform(logLow, logHigh)));
    const w = roundHalfToEven(Math.sqrt(area * aspect));
    const h = roundHalfToEven(Math.sqrt(area / aspect));
    if (w <= 0 || w > width || h <= 0 || h > height) continue;
    const top = random.integer(height - h + 1);
    const left = random.integer(width - w + 1);
    return { left, top, width: w, height: h };
  }
  const whole = width / height;
  const w = whole > ratio[1] ? roundHalfToEven(height * ratio[1]) : width;
  const h = whole < ratio[0] ? roundHalfToEven(width / ratio[0]) : height;
  return { left: Math.floor((width - w) / 2), top: Math.floor((height - h) / 2), width: w, height: h };
}

/** Python's `round`: a half goes to the even neighbour. */
export function roundHalfToEven(x: number): number {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}

function requireSize(width: number, height: number): void {
  if (!(width > 0 && height > 0)) throw new RangeError(`an image of ${width} × ${height} pixels has no area`);
}
