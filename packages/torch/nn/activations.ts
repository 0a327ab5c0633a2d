import * as ops from '../ops.generated.ts';
import type { Tensor } from '../tensor.ts';
import { Module } from './module.ts';

/**
 * max(0, x). In place it overwrites its input and saves the memory of a second tensor; right wherever the layer before
 * does not need its output for the gradient (convolutions, batch norms and additions do not).
 */
export class ReLU extends Module {
  readonly inplace: boolean;

  constructor({ inplace = false } = {}) {
    super();
    this.inplace = inplace;
  }

  forward(x: Tensor): Tensor {
    return this.inplace ? x.relu_() : x.relu();
  }
}

/** min(max(0, x), 6). */
export class ReLU6 extends Module {
  readonly inplace: boolean;

  constructor({ inplace = false } = {}) {
    super();
    this.inplace = inplace;
  }

  forward(x: Tensor): Tensor {
    // libtorch 1.13 has no CPU gradient of hardtanh for half types; clamp is the same function and has one.
    if (x.dtype === 'bfloat16' || x.dtype === 'float16') return x.clamp(0, 6);
    return this.inplace ? ops.hardtanh_(x, 0, 6) : ops.hardtanh(x, 0, 6);
  }
}

/** x Φ(x), exact or by the tanh approximation. Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415. */
export class GELU extends Module {
  readonly approximate: 'none' | 'tanh';

  constructor({ approximate = 'none' as 'none' | 'tanh' } = {}) {
    super();
    this.approximate = approximate;
  }

  forward(x: Tensor): Tensor {
    return ops.gelu(x, this.approximate);
  }
}

/** x · sigmoid(x), also called swish. */
export class SiLU extends Module {
  forward(x: Tensor): Tensor {
    return ops.silu(x);
  }
}

/** x · relu6(x + 3) / 6. Howard et al. 2019, https://arxiv.org/abs/1905.02244. */
export class Hardswish extends Module {
  forward(x: Tensor): Tensor {
    return ops.hardswish(x);
  }
}

/** 1 / (1 + e⁻ˣ). */
export class Sigmoid extends Module {
  forward(x: Tensor): Tensor {
    return x.sigmoid();
  }
}
