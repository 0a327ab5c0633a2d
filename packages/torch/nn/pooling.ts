import * as ops from '../ops.generated.ts';
import type { Tensor } from '../tensor.ts';
import { pair, type Size2d } from './conv2d.ts';
import { Module } from './module.ts';

interface PoolOptions {
  /** The kernel's size when not given. */
  stride?: Size2d;
  padding?: Size2d;
  /** Whether a last, incomplete window counts too. */
  ceilMode?: boolean;
}

/** Maximum over windows: `[N, C, H, W]` → `[N, C, H', W']`. */
export class MaxPool2d extends Module {
  readonly kernel;
  readonly stride;
  readonly padding;
  readonly dilation;
  readonly ceilMode: boolean;

  constructor(kernel: Size2d, options: PoolOptions & { dilation?: Size2d } = {}) {
    super();
    const { stride = kernel, padding = 0, dilation = 1, ceilMode = false } = options;
    this.kernel = pair(kernel);
    this.stride = pair(stride);
    this.padding = pair(padding);
    this.dilation = pair(dilation);
    this.ceilMode = ceilMode;
  }

  forward(x: Tensor): Tensor {
    return ops.maxPool2d(x, this.kernel, this.stride, this.padding, this.dilation, this.ceilMode);
  }
}

/** Mean over windows: `[N, C, H, W]` → `[N, C, H', W']`. */
export class AvgPool2d extends Module {
  readonly kernel;
  readonly stride;
  readonly padding;
  readonly ceilMode: boolean;
  readonly countIncludePad: boolean;

  constructor(
    kernel: Size2d,
    options: PoolOptions & { /** Whether padding counts in the mean. */ countIncludePad?: boolean } = {},
  ) {
    super();
    const { stride = kernel, padding = 0, ceilMode = false, countIncludePad = true } = options;
    this.kernel = pair(kernel);
    this.stride = pair(stride);
    this.padding = pair(padding);
    this.ceilMode = ceilMode;
    this.countIncludePad = countIncludePad;
  }

  forward(x: Tensor): Tensor {
    return ops.avgPool2d(x, this.kernel, this.stride, this.padding, this.ceilMode, this.countIncludePad);
  }
}

/** Mean over a grid of `size` windows, whatever the input's size: `[N, C, H, W]` → `[N, C, size, size]`. */
export class AdaptiveAvgPool2d extends Module {
  readonly size;

  constructor(size: Size2d) {
    super();
    this.size = pair(size);
  }

  forward(x: Tensor): Tensor {
    return ops.adaptiveAvgPool2d(x, this.size);
  }
}
