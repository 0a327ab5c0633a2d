import type { Tensor } from '../tensor.ts';
import { Module } from './module.ts';

/** Makes one dimension of the dimensions `start` to `end`: `[N, C, H, W]` → `[N, C·H·W]` by default. */
export class Flatten extends Module {
  readonly start: number;
  readonly end: number;

  constructor(start = 1, end = -1) {
    super();
    this.start = start;
    this.end = end;
  }

  forward(x: Tensor): Tensor {
    return x.flatten(this.start, this.end);
  }
}
