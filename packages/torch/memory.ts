import { native } from './engine.ts';
import type { Tensor } from './tensor.ts';

/** Running scopes, the innermost last, each with the tensors that it will free. */
const scopes: Set<Tensor>[] = [];
let innermost: Set<Tensor> | undefined;
let live = 0;
/** How many callers want to look at what `tidy` would free. */
let holders = 0;

/**
 * The safety net: a tensor that nobody disposed is freed after JavaScript lost it. Tensors of a scope need none: the scope holds them,
 * and frees them.
 */
const registry = new FinalizationRegistry<number>((handle) => {
  live--;
  native.release(handle);
});

/** How many tensors JavaScript holds now. */
export const liveTensors = (): number => live;

/** Called by every new tensor. @internal */
export function track(tensor: Tensor): void {
  live++;
  adopt(tensor);
}

function adopt(tensor: Tensor): void {
  if (innermost) innermost.add(tensor);
  else registry.register(tensor, tensor.handle, tensor);
}

/** Called once by a tensor's `dispose`. @internal */
export function untrack(tensor: Tensor): void {
  if (!innermost?.delete(tensor)) registry.unregister(tensor);
  release(tensor);
}

function release(tensor: Tensor): void {
  const { handle } = tensor;
  tensor.handle = 0;
  live--;
  native.release(handle);
}

/** Takes the handle out of a tensor, which counts as disposed from then on. @internal */
export function surrender(tensor: Tensor): number {
  const { handle } = tensor;
  if (handle === 0) throw new TypeError('the tensor was disposed');
  if (!innermost?.delete(tensor)) registry.unregister(tensor);
  tensor.handle = 0;
  live--;
  return handle;
}

/** Exempts a tensor from every running `tidy`: it lives until it is disposed, or lost. */
export function keep<T extends Tensor>(tensor: T): T {
  for (const scope of scopes) {
    if (scope.delete(tensor)) registry.register(tensor, tensor.handle, tensor);
  }
  return tensor;
}

/** Collects the tensors in a value: itself, or inside arrays, sets, maps and plain objects. */
function collect(value: unknown, found: Set<Tensor>, seen: Set<object>): void {
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value) || seen.has(value)) return;
  seen.add(value);
  if ('handle' in value && 'dispose' in value) found.add(value as Tensor);
  else if (Array.isArray(value) || value instanceof Set) for (const item of value) collect(item, found, seen);
  else if (value instanceof Map) for (const item of value.values()) collect(item, found, seen);
  else if (isPlain(value)) for (const item of Object.values(value)) collect(item, found, seen);
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * Runs `work` and frees every tensor that was made in it, but not those in its result (itself, or inside arrays, sets, maps and plain
 * objects), parameters and buffers of modules, and tensors given to `keep`. Scopes nest: what an inner scope returns belongs to the
 * outer one.
 *
 * ```ts
 * const loss = tidy(() => { const y = model.forward(x); const l = crossEntropy(y, t); l.backward(); return l.item(); });
 * ```
 * @throws TypeError when `work` is asynchronous: what happens between two awaits belongs to nobody
 */
export function tidy<T>(work: () => T): T {
  const scope = new Set<Tensor>();
  const survivors = new Set<Tensor>();
  enter(scope);
  try {
    const result = refuseAsync('tidy', work());
    collect(result, survivors, new Set());
    return result;
  } finally {
    leave();
    for (const tensor of scope) {
      if (tensor.isDisposed) continue;
      if (survivors.has(tensor) || holders > 0) adopt(tensor);
      else release(tensor);
    }
  }
}

/** Runs `work`, in which the end of a `tidy` frees nothing: its tensors belong to the scope around it. @internal */
export function holdTensors<T>(work: () => T): T {
  holders++;
  try {
    return work();
  } finally {
    holders--;
  }
}

function enter(scope: Set<Tensor>): void {
  scopes.push(scope);
  innermost = scope;
  if (scopes.length === 1) native.setInScope(true);
}

function leave(): void {
  scopes.pop();
  innermost = scopes.at(-1);
  if (!innermost) native.setInScope(false);
}

/** The result of a function that must end before its caller (in words) goes on. @internal */
export function refuseAsync<T>(caller: string, result: T): T {
  if (result !== null && typeof result === 'object' && 'then' in result && typeof result.then === 'function') {
    result.then(undefined, () => {}); // its failure would only follow from this one
    throw new TypeError(`${caller} takes no async function: await before it or after it`);
  }
  return result;
}
