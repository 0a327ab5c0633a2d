import { readFileSync } from 'node:fs';

/** A rectangle in pixels; fractions are allowed where it says so. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface Resampling {
  /** Size of the image in the space of `sourcePixels`, RGB rows without gaps. */
  readonly source: { readonly width: number; readonly height: number };
  /** Part of the source whose pixels may be looked at, in whole pixels. */
  readonly region: Box;
  /** Part of the source that is stretched to `size`, inside of `region`; may have fractions. */
  readonly box: Box;
  readonly size: { readonly width: number; readonly height: number };
  /** Part of the stretched image that is wanted, in whole pixels. */
  readonly window: Box;
  /** Default: bilinear. */
  readonly interpolation?: Interpolation;
  /** Turns the result round: last column first, last row first. */
  readonly mirrored?: { readonly across: boolean; readonly down: boolean };
}

export type Interpolation = 'bilinear' | 'bicubic';

/** Filters of Pillow's Resample.c: how far they reach when nothing shrinks, and the weight at a distance. */
const FILTERS: Record<Interpolation, { reach: number; weight(distance: number): number }> = {
  bilinear: { reach: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  // Keys 1981, with a = −1/2.
  bicubic: {
    reach: 2,
    weight(distance) {
      const x = Math.abs(distance);
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
      return x < 2 ? ((x - 5) * x + 8) * x * -0.5 + 2 : 0;
    },
  },
};

interface Kernels {
  memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  horizontal(
    source: number,
    sourceStride: number,
    target: number,
    targetStride: number,
    rows: number,
    width: number,
    spans: number,
    weights: number,
    taps: number,
  ): void;
  vertical(
    source: number,
    sourceStride: number,
    target: number,
    targetStride: number,
    rows: number,
    spans: number,
    weights: number,
    taps: number,
  ): void;
}

/** What is used of the global. Its full declarations are part of the DOM library, of which nothing else is meant here. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: unknown };
};

/** Compiled from resample.wat by `npm run wasm -w @fovea/data`; a test proves that they are the same. */
const module = new WebAssembly.Module(readFileSync(new URL('./resample.wasm', import.meta.url)));
let kernels = instantiate();

function instantiate(): Kernels {
  return new WebAssembly.Instance(module).exports as unknown as Kernels;
}

/** Reads of 16 bytes begin at the last pixel at the latest. */
const SLACK = 16;
const PAGE = 65536;
/** A larger memory, left by a huge image, is given back. */
const LARGEST_KEPT = 64 * 2 ** 20;

/**
 * Room for an image of `bytes` bytes, for a decoder to write to. What was there before is lost, and the room is valid until the
 * next call of this or of `resample`: there is one per thread.
 */
export function sourcePixels(bytes: number): Uint8Array {
  if (kernels.memory.buffer.byteLength > LARGEST_KEPT && bytes < LARGEST_KEPT) kernels = instantiate();
  reserve(bytes + SLACK);
  return new Uint8Array(kernels.memory.buffer, 0, bytes);
}

function reserve(bytes: number): void {
  const missing = bytes - kernels.memory.buffer.byteLength;
  if (missing > 0) kernels.memory.grow(Math.ceil(missing / PAGE));
}

/**
 * Resizes the image in `sourcePixels` with antialiased interpolation, bit for bit as Pillow does it
 * (`Image.resize(size, BILINEAR, box)`, src/libImaging/Resample.c): across, then down, rounded to 8 bits in between.
 * @param target receives `window` as RGB rows without gaps
 */
export function resample(
  { source, region, box, size, window, interpolation = 'bilinear', mirrored }: Resampling,
  target: Uint8Array,
): void {
  const row = window.width * 3;
  // The first pass writes one byte more than a row has, the second whole blocks of 16.
  const middleStride = Math.ceil((row + 1) / 16) * 16;
  const stride = Math.ceil(row / 16) * 16;
  const across = weightsFor(interpolation, 3, {
    inputs: region.width,
    start: box.left - region.left,
    length: box.width,
    outputs: size.width,
    first: window.left,
    count: window.width,
    reversed: mirrored?.across ?? false,
  });
  const down = weightsFor(interpolation, middleStride, {
    inputs: region.height,
    start: box.top - region.top,
    length: box.height,
    outputs: size.height,
    first: window.top,
    count: window.height,
    reversed: mirrored?.down ?? false,
  });
  // Only the rows that the second pass looks at are needed from the first.
  const ends = [0, down.spans.length - 2];
  const firstRow = Math.min(...ends.map((i) => down.spans[i] / middleStride));
  const rows = Math.max(...ends.map((i) => down.spans[i] / middleStride + down.spans[i + 1])) - firstRow;
  for (let i = 0; i < down.spans.length; i += 2) down.spans[i] -= firstRow * middleStride;

  let end = source.width * source.height * 3 + SLACK;
  const place = (bytes: number) => {
    const start = Math.ceil(end / 16) * 16;
    end = start + bytes;
    return start;
  };
  const places = [across, down].map(({ spans, weights }) => ({
    spans: place(spans.byteLength),
    weights: place(weights.byteLength),
  }));
  const middle = place(middleStride * rows + SLACK);
  const result = place(stride * window.height);
  reserve(end);
  const memory = kernels.memory.buffer;
  for (const [i, { spans, weights }] of [across, down].entries()) {
    new Int32Array(memory, places[i].spans, spans.length).set(spans);
    new Int32Array(memory, places[i].weights, weights.length).set(weights);
  }

  const sourceStride = source.width * 3;
  const start = (region.top + firstRow) * sourceStride + region.left * 3;
  kernels.horizontal(
    start,
    sourceStride,
    middle,
    middleStride,
    rows,
    window.width,
    places[0].spans,
    places[0].weights,
    across.taps,
  );
  kernels.vertical(middle, middleStride, result, stride, window.height, places[1].spans, places[1].weights, down.taps);
  if (stride === row) target.set(new Uint8Array(memory, result, row * window.height));
  else for (let y = 0; y < window.height; y++) target.set(new Uint8Array(memory, result + y * stride, row), y * row);
}

const PRECISION_BITS = 32 - 8 - 2;

/** One direction of a resize: `length` inputs from `start` on, of `inputs` in all, become `outputs`. */
interface Axis {
  inputs: number;
  start: number;
  length: number;
  outputs: number;
  /** Of the outputs, `count` from `first` on are wanted. */
  first: number;
  count: number;
  /** The last of them comes first. */
  reversed: boolean;
}

/**
 * The inputs and weights of the outputs: a filter as wide as the scale, at least as its reach to either side, cut at the edges
 * of the input and normalised.
 * @param pitch bytes from one input to the next
 */
function weightsFor(
  interpolation: Interpolation,
  pitch: number,
  { inputs, start, length, outputs, first, count, reversed }: Axis,
) {
  const { reach, weight } = FILTERS[interpolation];
  const scale = length / outputs;
  const stretch = Math.max(scale, 1);
  const support = reach * stretch;
  const taps = Math.ceil(support) * 2 + 1;
  const spans = new Int32Array(count * 2);
  const weights = new Int32Array(count * taps);
  const exact = new Float64Array(taps);
  for (let i = 0; i < count; i++) {
    const center = start + (first + (reversed ? count - 1 - i : i) + 0.5) * scale;
    const from = Math.max(0, Math.trunc(center - support + 0.5));
    const to = Math.min(inputs, Math.trunc(center + support + 0.5));
    let sum = 0;
    for (let k = 0; k < to - from; k++) {
      exact[k] = weight((k + from - center + 0.5) * (1 / stretch));
      sum += exact[k];
    }
    for (let k = 0; k < to - from; k++) {
      const scaled = (exact[k] / sum) * 2 ** PRECISION_BITS;
      weights[i * taps + k] = Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    }
    spans[i * 2] = from * pitch;
    spans[i * 2 + 1] = to - from;
  }
  return { spans, weights, taps };
}
