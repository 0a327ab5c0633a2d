import { native } from './engine.ts';
import type { Tensor } from './tensor.ts';

/** Tensors that the innermost `tidy` will free. */
let scope: Set<Tensor> | null = null;
let live = 0;

/** The safety net: a tensor that nobody disposed is freed after JavaScript lost it. */
const registry = new FinalizationRegistry<number>((handle) => {
  live--;
  native.release(handle);
});

/** How many tensors JavaScript holds now. */
export const liveTensors = (): number => live;

/** Called by every new tensor. @internal */
export function track(tensor: Tensor): void {
  live++;
  registry.register(tensor, tensor.handle, tensor);
  scope?.add(tensor);
}

/** Called once by a tensor's `dispose`. @internal */
export function untrack(tensor: Tensor): void {
  live--;
  registry.unregister(tensor);
  scope?.delete(tensor);
  native.release(tensor.handle);
}

/** Takes the handle out of a tensor, which counts as disposed from then on. @internal */
export function surrender(tensor: Tensor): number {
  const { handle } = tensor;
  live--;
  registry.unregister(tensor);
  scope?.delete(tensor);
  tensor.handle = 0;
  return handle;
}

/** Exempts a tensor from the innermost `tidy`: it lives until it is disposed. */
export function keep<T extends Tensor>(tensor: T): T {
  scope?.delete(tensor);
  return tensor;
}

/** The tensors in a value: itself, or inside arrays, maps and plain objects. */
function* tensorsIn(value: unknown): Generator<Tensor> {
  if (value === null || typeof value !== 'object') return;
  if ('handle' in value && 'dispose' in value) yield value as Tensor;
  else if (Array.isArray(value)) for (const item of value) yield* tensorsIn(item);
  else if (value instanceof Map) for (const item of value.values()) yield* tensorsIn(item);
  else if (Object.getPrototypeOf(value) === Object.prototype) yield* tensorsIn(Object.values(value));
}

/**
 * Runs `work` and frees every tensor that was made in it, but not those in its result, parameters and buffers of modules, and
 * tensors given to `keep`. Scopes nest: what an inner scope returns belongs to the outer one.
 *
 * ```ts
 * const loss = tidy(() => { const y = model.forward(x); const l = crossEntropy(y, t); l.backward(); return l.item(); });
 * ```
 * @throws TypeError when `work` is asynchronous: what happens between two awaits belongs to nobody
 */
export function tidy<T>(work: () => T): T {
  const outer = scope;
  const mine = new Set<Tensor>();
  scope = mine;
  try {
    const result = work();
    if (result instanceof Promise) throw new TypeError('tidy needs a function that is not async');
    for (const tensor of tensorsIn(result)) {
      if (mine.delete(tensor)) outer?.add(tensor);
    }
    return result;
  } finally {
    scope = null;
    for (const tensor of mine) tensor.dispose();
    scope = outer;
  }
}
