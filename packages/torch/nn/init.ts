/**
 * How weights begin. Formulas and order of random numbers are PyTorch's, so the same seed gives the same network.
 * Every function changes its tensor in place, outside of autograd, and returns it.
 */
import { noGrad } from '../autograd.ts';
import { full } from '../create.ts';
import { tidy } from '../memory.ts';
import * as ops from '../ops.generated.ts';
import type { Tensor } from '../tensor.ts';

export type Nonlinearity = 'linear' | 'conv2d' | 'sigmoid' | 'tanh' | 'relu' | 'leaky_relu' | 'selu';
export type FanMode = 'fan_in' | 'fan_out';

interface KaimingOptions {
  /** Negative slope of the rectifier, used with `leaky_relu` only. */
  a?: number;
  mode?: FanMode;
  nonlinearity?: Nonlinearity;
}

/**
 * Number of inputs that reach one output, and of outputs that one input reaches, for a weight `[out, in, …]`.
 *
 * @throws RangeError for fewer than two dimensions.
 */
export function calculateFan(tensor: Tensor): { fanIn: number; fanOut: number } {
  const [outputs, inputs, ...kernel] = tensor.shape;
  if (inputs === undefined) {
    throw new RangeError(`Fan in and fan out need two or more dimensions; this tensor is [${tensor.shape}]`);
  }
  const receptiveField = kernel.reduce((product, size) => product * size, 1);
  return { fanIn: inputs * receptiveField, fanOut: outputs * receptiveField };
}

/** Factor by which a nonlinearity asks the standard deviation of its weights to grow. */
export function calculateGain(nonlinearity: Nonlinearity, negativeSlope = 0.01): number {
  switch (nonlinearity) {
    case 'linear':
    case 'conv2d':
    case 'sigmoid':
      return 1;
    case 'tanh':
      return 5 / 3;
    case 'relu':
      return Math.sqrt(2);
    case 'leaky_relu':
      return Math.sqrt(2 / (1 + negativeSlope ** 2));
    case 'selu':
      return 3 / 4;
  }
}

/** Uniform in [from, to). */
export const uniform_ = (tensor: Tensor, from = 0, to = 1): Tensor => noGrad(() => ops.uniform_(tensor, from, to));

export const normal_ = (tensor: Tensor, mean = 0, std = 1): Tensor => noGrad(() => ops.normal_(tensor, mean, std));

export const constant_ = (tensor: Tensor, value: number): Tensor => noGrad(() => tensor.fill_(value));

export const zeros_ = (tensor: Tensor): Tensor => constant_(tensor, 0);

export const ones_ = (tensor: Tensor): Tensor => constant_(tensor, 1);

/** Normal values cut off at [low, high] (absolute values, not multiples of `std`), by inverting the distribution. */
export function truncNormal_(tensor: Tensor, mean = 0, std = 1, low = -2, high = 2): Tensor {
  const erf = (x: number): number => tidy(() => ops.erf(full([], x, { dtype: 'float64' })).item());
  const cumulative = (x: number): number => (1 + erf(x / Math.sqrt(2))) / 2;
  const lower = cumulative((low - mean) / std);
  const upper = cumulative((high - mean) / std);
  return noGrad(() =>
    ops
      .erfinv_(ops.uniform_(tensor, 2 * lower - 1, 2 * upper - 1))
      .mul_(std * Math.sqrt(2))
      .add_(mean)
      .clamp_(low, high),
  );
}

/** Glorot and Bengio 2010, uniform in ±gain √(6 / (fanIn + fanOut)). */
export function xavierUniform_(tensor: Tensor, gain = 1): Tensor {
  const { fanIn, fanOut } = calculateFan(tensor);
  const bound = Math.sqrt(3) * gain * Math.sqrt(2 / (fanIn + fanOut));
  return uniform_(tensor, -bound, bound);
}

/** Glorot and Bengio 2010, normal with standard deviation gain √(2 / (fanIn + fanOut)). */
export function xavierNormal_(tensor: Tensor, gain = 1): Tensor {
  const { fanIn, fanOut } = calculateFan(tensor);
  return normal_(tensor, 0, gain * Math.sqrt(2 / (fanIn + fanOut)));
}

/** He et al. 2015, https://arxiv.org/abs/1502.01852, uniform in ±gain √(3 / fan). */
export function kaimingUniform_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  const bound = Math.sqrt(3) * kaimingStd(tensor, options);
  return uniform_(tensor, -bound, bound);
}

/** He et al. 2015, https://arxiv.org/abs/1502.01852, normal with standard deviation gain / √fan. */
export function kaimingNormal_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  return normal_(tensor, 0, kaimingStd(tensor, options));
}

function kaimingStd(tensor: Tensor, options: KaimingOptions): number {
  const { a = 0, mode = 'fan_in', nonlinearity = 'leaky_relu' } = options;
  const { fanIn, fanOut } = calculateFan(tensor);
  return calculateGain(nonlinearity, a) / Math.sqrt(mode === 'fan_in' ? fanIn : fanOut);
}

/** What `Linear` and convolutions start with in PyTorch: weight and bias uniform in ±1/√fanIn, the weight drawn first. */
export function defaultWeightAndBias_(weight: Tensor, bias: Tensor | null): void {
  kaimingUniform_(weight, { a: Math.sqrt(5) });
  const { fanIn } = calculateFan(weight);
  if (bias && fanIn > 0) uniform_(bias, -1 / Math.sqrt(fanIn), 1 / Math.sqrt(fanIn));
}
