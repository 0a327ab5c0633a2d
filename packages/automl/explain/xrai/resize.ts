import { gaussianBlur, type Plane } from './gaussian-blur.ts';

/** Pole of the cubic B-spline's prefilter. Unser et al. 1991, https://doi.org/10.1109/TPAMI.1991.1 (table I). */
const POLE = Math.sqrt(3) - 2;

/** Zeros that a source is framed with before the spline is fitted: beyond as many pixels, a pixel's weight is 1e−7. */
const FRAME = 12;

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * A picture in another size by cubic B-splines through its pixels: where it becomes smaller, blurred before by
 * σ = (ratio − 1) / 2; pixel centres on a half-pixel grid; zeros around it; values kept within the range of the source. This is
 * what XRAI's published program does before it segments.
 */
export function resizeCubic(source: Plane, { width, height }: Size): Plane {
  const { channels } = source;
  const ratios = [source.height / height, source.width / width];
  const [down, across] = ratios.map((ratio) => Math.max(0, (ratio - 1) / 2));
  const { values } = gaussianBlur(source, [down, across], 'zeros');

  const row = source.width * channels;
  const rows = splineLines(source.height, height);
  const tall = new Float64Array(height * row);
  for (let x = 0; x < row; x++) rows({ values, start: x, step: row }, { values: tall, start: x, step: row });

  const columns = splineLines(source.width, width);
  const resized = new Float64Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    for (let channel = 0; channel < channels; channel++) {
      const to = { values: resized, start: y * width * channels + channel, step: channels };
      columns({ values: tall, start: y * row + channel, step: channels }, to);
    }
  }
  const [lowest, highest] = range(source.values);
  return { width, height, channels, values: resized.map((value) => Math.min(highest, Math.max(lowest, value))) };
}

/** Labels in another size, each from the nearest pixel on the same grid. */
export function resizeLabels(labels: Int32Array, from: Size, to: Size): Int32Array {
  const nearest = (length: number, resized: number) =>
    Int32Array.from({ length: resized }, (_, i) => Math.floor(centre(i, length, resized) + 0.5));
  const rows = nearest(from.height, to.height);
  const columns = nearest(from.width, to.width);
  const resized = new Int32Array(to.width * to.height);
  for (let y = 0; y < to.height; y++) {
    for (let x = 0; x < to.width; x++) resized[y * to.width + x] = labels[rows[y] * from.width + columns[x]];
  }
  return resized;
}

/** Where in a source of `length` the middle of a resized pixel falls, counted in the source's pixels from the middle of its first. */
const centre = (i: number, length: number, resized: number): number => (i + 0.5) * (length / resized) - 0.5;

/** Values of a picture along one dimension. */
interface Line {
  values: Float64Array;
  start: number;
  step: number;
}

/** Resizes lines of one length to lines of another. */
function splineLines(length: number, resized: number): (from: Line, to: Line) => void {
  const first = new Int32Array(resized);
  const weights = new Float64Array(4 * resized);
  for (let i = 0; i < resized; i++) {
    const at = centre(i, length, resized) + FRAME;
    first[i] = Math.floor(at) - 1;
    const t = at - Math.floor(at);
    const [inner, outer] = [t, 1 - t].map((d) => (d * d * (d - 2) * 3 + 4) / 6);
    const before = (1 - t) ** 3 / 6;
    weights.set([before, inner, outer, 1 - before - inner - outer], 4 * i);
  }
  const framed = new Float64Array(length + 2 * FRAME);
  return (from, to) => {
    framed.fill(0);
    for (let i = 0; i < length; i++) framed[FRAME + i] = from.values[from.start + i * from.step];
    toCoefficients(framed);
    for (let i = 0; i < resized; i++) {
      let sum = 0;
      for (let tap = 0; tap < 4; tap++) sum += weights[4 * i + tap] * framed[first[i] + tap];
      to.values[to.start + i * to.step] = sum;
    }
  };
}

/** Replaces values by the coefficients of the spline through them, which is mirrored at its ends. */
function toCoefficients(values: Float64Array): void {
  const last = values.length - 1;
  for (let i = 0; i <= last; i++) values[i] *= (1 - POLE) * (1 - 1 / POLE);

  const farthest = POLE ** last;
  let power = POLE;
  let first = values[0] + farthest * values[last];
  for (let i = 1; i < last; i++) {
    first += power * (values[i] + farthest * values[last - i]);
    power *= POLE;
  }
  values[0] = first / (1 - farthest * farthest);
  for (let i = 1; i <= last; i++) values[i] += POLE * values[i - 1];

  values[last] = ((POLE * values[last - 1] + values[last]) * POLE) / (POLE * POLE - 1);
  for (let i = last - 1; i >= 0; i--) values[i] = POLE * (values[i + 1] - values[i]);
}

export function range(values: Float64Array): [lowest: number, highest: number] {
  let [lowest, highest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  return [lowest, highest];
}
