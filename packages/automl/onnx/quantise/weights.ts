/** Weights of a layer as int8, symmetric around zero, with a scale for every output. */
export interface QuantisedWeights {
  readonly values: Int8Array;
  readonly scales: Float32Array;
}

/** The greatest int8 that a weight becomes; −128 has no counterpart. */
const MOST = 127;

/**
 * `weight ≈ scales[output] · value`, values −127 … 127.
 *
 * @param axis that of the outputs in `shape`
 * @param floor least scale of each output
 */
export function quantiseWeights(
  weights: Float32Array,
  shape: readonly number[],
  axis: number,
  floor?: ArrayLike<number>,
): QuantisedWeights {
  const outputs = shape[axis];
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  /** Visits the weights of each output that lie beside each other. */
  const runs = (visit: (output: number, from: number, to: number) => void): void => {
    for (let from = 0, output = 0; from < weights.length; from += inner, output = (output + 1) % outputs)
      visit(output, from, from + inner);
  };
  const greatest = new Float64Array(outputs);
  runs((output, from, to) => {
    for (let i = from; i < to; i++) greatest[output] = Math.max(greatest[output], Math.abs(weights[i]));
  });
  const scales = Float32Array.from(greatest, (value, c) => {
    const scale = Math.max(Math.fround(value / MOST), floor?.[c] ?? 0);
    return scale > 0 ? scale : 1;
  });
  const values = new Int8Array(weights.length);
  runs((output, from, to) => {
    const scale = scales[output];
    for (let i = from; i < to; i++) values[i] = Math.max(-MOST, Math.min(MOST, Math.round(weights[i] / scale)));
  });
  return { values, scales };
}

/** A bias fits into int32 with this much to spare for the sum that it is added to. */
const MOST_BIAS = 2 ** 30;

/** The least scale that an output's weights must have for its bias to fit, given the scale of the layer's input. */
export const leastScales = (bias: Float32Array, inputScale: number): Float32Array =>
  bias.map((value) => Math.abs(value) / MOST_BIAS / inputScale);

/** A bias in units of the products of input and weights: `bias ≈ inputScale · scales[output] · value`. */
export function quantiseBias(bias: Float32Array, inputScale: number, scales: Float32Array): Int32Array {
  return Int32Array.from(bias, (value, c) => Math.round(value / (inputScale * scales[c])));
}
