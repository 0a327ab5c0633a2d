import { type AnyModule, Module } from './module.ts';

/** Modules in a list, whose parent decides how they are used; their names are their positions. */
export class ModuleList<M extends AnyModule = Module> extends Module<never[], never> {
  readonly #modules: M[];

  constructor(modules: Iterable<M> = []) {
    super();
    this.#modules = [...modules];
  }

  override members(): Iterable<[string, unknown]> {
    return this.#modules.map((module, index) => [String(index), module]);
  }

  get length(): number {
    return this.#modules.length;
  }

  at(index: number): M | undefined {
    return this.#modules.at(index);
  }

  push(...modules: M[]): void {
    this.#modules.push(...modules);
  }

  [Symbol.iterator](): Iterator<M> {
    return this.#modules[Symbol.iterator]();
  }

  forward(): never {
    throw new TypeError('A ModuleList has no forward of its own: call the modules in it.');
  }
}
