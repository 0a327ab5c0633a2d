/** The deterministic weights and inputs of parity files: every value follows from a tensor's name and an index. */
import { Buffer, fromTypedArray, type nn, noGrad, type Tensor, tidy } from '@fovea/torch';

/** 32-bit FNV-1a over the UTF-8 bytes. http://www.isthe.com/chongo/tech/comp/fnv/ */
export function fnv1a32(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/**
 * `count` values for the tensor of that name, each made from a number u, even in [0, 1): the finaliser of MurmurHash3
 * over a Weyl sequence that starts at the name's hash.
 */
export function generate(name: string, count: number, value: (u: number) => number): Float32Array {
  const values = new Float32Array(count);
  let state = fnv1a32(name);
  for (let i = 0; i < count; i++) {
    let hash = state;
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
    values[i] = value((hash >>> 0) / 0x1_0000_0000);
    state = (state + 0x9e3779b9) | 0;
  }
  return values;
}

/** A float32 tensor of generated values; `value` gets s, even in [−1, 1). */
export function generated(name: string, shape: readonly number[], value: (s: number) => number): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return fromTypedArray(
    generate(name, count, (u) => value(2 * u - 1)),
    shape,
  );
}

/** An input image batch, `[N, 3, H, W]`. */
export const generatedInput = ({ name, shape }: { name: string; shape: number[] }): Tensor =>
  generated(name, shape, (s) => 2 * s);

/** Factors that keep deep networks well conditioned; they stand in each file. */
export interface Gains {
  g: number;
  /** [prefix of the name, factor in place of g]; the last that fits wins. */
  g_by_prefix?: [string, number][];
  /** [suffix of the name, factor]; the first that fits wins. */
  scale_1d?: [string, number][];
}

/** Gives every parameter and buffer of a model its generated value. */
export function fillModel(model: Pick<nn.Module, 'stateDict'>, gains: Gains): void {
  noGrad(() => {
    for (const [name, tensor] of model.stateDict()) {
      const values = generatedWeights(name, tensor, gains);
      if (values) tidy(() => tensor.copy_(fromTypedArray(values, tensor.shape)));
    }
  });
}

/** The first rule that fits the tensor; null: it stays as its module made it. */
function generatedWeights(name: string, tensor: Tensor, gains: Gains): Float32Array | null {
  const { shape } = tensor;
  const fill = (value: (s: number) => number) => generate(name, tensor.numel, (u) => value(2 * u - 1));
  if (name.endsWith('num_batches_tracked')) return new Float32Array(1);
  if (!tensor.dtype.includes('float')) return null;
  if (name.endsWith('running_var')) return generate(name, tensor.numel, (u) => 0.5 + u);
  if (name.endsWith('running_mean')) return fill((s) => 0.1 * s);
  if (tensor instanceof Buffer && shape.length >= 2) return null;
  if (shape.length >= 2) {
    const fanIn = shape.slice(1).reduce((product, size) => product * size, 1);
    const spread = Math.sqrt(3 / fanIn);
    const gain = gains.g_by_prefix?.findLast(([prefix]) => name.startsWith(prefix))?.[1] ?? gains.g;
    return fill((s) => s * spread * gain);
  }
  if (shape.length === 1 && name.endsWith('.weight')) {
    const factor = gains.scale_1d?.find(([suffix]) => name.endsWith(suffix))?.[1] ?? 1;
    return fill((s) => (1 + 0.1 * s) * factor);
  }
  return fill((s) => 0.1 * s);
}
