import { gaussianBlur, type Plane } from './gaussian-blur.ts';

export interface SegmentationOptions {
  /** How large segments become: components are joined the more readily the larger it is. */
  scale: number;
  /** Deviation of the blur before, in pixels. */
  sigma: number;
  /** Fewest pixels of a segment. */
  minSize: number;
}

/** Pairs of neighbouring pixels, the least different first. */
interface Edges {
  first: Int32Array;
  second: Int32Array;
  /** Euclidean distances of colours. */
  weights: Float64Array;
}

/**
 * Segments by the graph of neighbouring pixels: components that differ less from each other than each varies within are joined.
 * Felzenszwalb and Huttenlocher 2004, https://doi.org/10.1023/B:VISI.0000022288.19776.77, with eight neighbours, the scale as
 * scikit-image counts it (divided by 255), and small components joined to the neighbour that differs least.
 *
 * @param all settings for one image; what they share is computed once
 * @returns for each settings a label 0 … n−1 of each pixel, in the order of the first pixels of segments
 */
export function segmentByGraph(image: Plane, all: readonly SegmentationOptions[]): Int32Array[] {
  const known = new Map<number, Edges>();
  return all.map(({ scale, sigma, minSize }) => {
    const edges = known.get(sigma) ?? sortedEdges(gaussianBlur(image, [sigma, sigma], 'mirrored'));
    known.set(sigma, edges);
    return joined(edges, image.width * image.height, scale / 255, minSize);
  });
}

function sortedEdges({ width, height, channels, values }: Plane): Edges {
  const most = 4 * width * height;
  const first = new Int32Array(most);
  const second = new Int32Array(most);
  const weights = new Float64Array(most);
  let count = 0;
  const connect = (a: number, b: number) => {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) {
      const difference = values[a * channels + channel] - values[b * channels + channel];
      sum += difference * difference;
    }
    first[count] = a;
    second[count] = b;
    weights[count++] = Math.sqrt(sum);
  };
  // All right neighbours, then all below, below to the right, and above to the right: equal weights are taken in this order.
  for (let y = 0; y < height; y++) for (let x = 1; x < width; x++) connect(y * width + x, y * width + x - 1);
  for (let y = 1; y < height; y++) for (let x = 0; x < width; x++) connect(y * width + x, (y - 1) * width + x);
  for (let y = 1; y < height; y++) for (let x = 1; x < width; x++) connect(y * width + x, (y - 1) * width + x - 1);
  for (let y = 1; y < height; y++) for (let x = 1; x < width; x++) connect((y - 1) * width + x, y * width + x - 1);

  const order = ascending(weights.subarray(0, count));
  return {
    first: Int32Array.from(order, (edge) => first[edge]),
    second: Int32Array.from(order, (edge) => second[edge]),
    weights: Float64Array.from(order, (edge) => weights[edge]),
  };
}

/** Places of values ≥ 0 in ascending order, equal ones in order of place: a radix sort over their bits, which are in the same order. */
function ascending(values: Float64Array): Uint32Array {
  const digits = new Uint16Array(Float64Array.from(values).buffer);
  let order = Uint32Array.from(values, (_, i) => i);
  let next = new Uint32Array(values.length);
  for (let digit = 0; digit < 4; digit++) {
    const starts = new Uint32Array(65_537);
    for (let i = digit; i < digits.length; i += 4) starts[digits[i] + 1]++;
    for (let i = 1; i < starts.length; i++) starts[i] += starts[i - 1];
    for (const place of order) next[starts[digits[4 * place + digit]]++] = place;
    [order, next] = [next, order];
  }
  return order;
}

function joined({ first, second, weights }: Edges, pixels: number, scale: number, minSize: number): Int32Array {
  /** A pixel's parent in its component's tree; roots are their own, and the smallest pixels of their components. */
  const parents = Int32Array.from({ length: pixels }, (_, i) => i);
  const sizes = new Int32Array(pixels).fill(1);
  /** The largest weight within a component, at its root. */
  const internal = new Float64Array(pixels);

  const rootOf = (pixel: number): number => {
    let at = pixel;
    while (parents[at] !== at) {
      parents[at] = parents[parents[at]];
      at = parents[at];
    }
    return at;
  };
  const join = (a: number, b: number): number => {
    const root = Math.min(a, b);
    const other = Math.max(a, b);
    parents[other] = root;
    sizes[root] += sizes[other];
    return root;
  };

  for (let edge = 0; edge < weights.length; edge++) {
    const a = rootOf(first[edge]);
    const b = rootOf(second[edge]);
    if (a === b) continue;
    const limit = Math.min(Math.fround(internal[a] + scale / sizes[a]), Math.fround(internal[b] + scale / sizes[b]));
    if (weights[edge] < limit) internal[join(a, b)] = weights[edge];
  }
  for (let edge = 0; edge < weights.length; edge++) {
    const a = rootOf(first[edge]);
    const b = rootOf(second[edge]);
    if (a !== b && (sizes[a] < minSize || sizes[b] < minSize)) join(a, b);
  }

  const labels = new Int32Array(pixels);
  let count = 0;
  for (let pixel = 0; pixel < pixels; pixel++) {
    const root = rootOf(pixel);
    labels[pixel] = root === pixel ? count++ : labels[root];
  }
  return labels;
}
