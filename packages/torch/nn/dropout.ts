import * as ops from '../ops.generated.ts';
import type { Tensor } from '../tensor.ts';
import { Module } from './module.ts';

/** In training, zeroes each element with probability `p` and scales the others by 1 / (1 − p); else passes through. */
export class Dropout extends Module {
  p: number;

  /** @throws RangeError when `p` is not a probability. */
  constructor(p = 0.5) {
    super();
    if (!(p >= 0 && p <= 1)) throw new RangeError(`Dropout: p is ${p}, but a probability lies in [0, 1]`);
    this.p = p;
  }

  forward(x: Tensor): Tensor {
    return this.training && this.p > 0 ? ops.dropout(x, this.p, true) : x;
  }
}
