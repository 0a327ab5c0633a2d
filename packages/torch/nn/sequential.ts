import type { Tensor } from '../tensor.ts';
import { Module } from './module.ts';

/** Modules one after the other; their names are their positions (`0.weight`, `1.weight`). */
export class Sequential extends Module {
  readonly #layers: readonly Module[];

  constructor(...layers: Module[]) {
    super();
    this.#layers = layers;
  }

  override members(): Iterable<[string, unknown]> {
    return this.#layers.map((layer, index) => [String(index), layer]);
  }

  get length(): number {
    return this.#layers.length;
  }

  at(index: number): Module | undefined {
    return this.#layers.at(index);
  }

  [Symbol.iterator](): Iterator<Module> {
    return this.#layers[Symbol.iterator]();
  }

  forward(x: Tensor): Tensor {
    let y = x;
    for (const layer of this.#layers) y = layer.forward(y);
    return y;
  }
}
