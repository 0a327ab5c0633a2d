import { noGrad } from '../autograd.ts';
import { tidy } from '../memory.ts';
import { Buffer, type Device, type DType, type MemoryFormat, Parameter, type Tensor } from '../tensor.ts';
import { checkStateDict, type LoadReport } from './state-dict.ts';

/** A module of any signature: what walking over a tree of modules yields. */
export type AnyModule = Module<unknown[], unknown>;

/** Called after `forward` with its inputs and output; what it returns, if anything, takes the output's place. */
export type ForwardHook<Inputs extends unknown[], Output> = (inputs: Inputs, output: Output) => Output | undefined;

/**
 * A part of a network: parameters, buffers and smaller modules, held as plain properties.
 *
 * The path of a property is its name in a checkpoint (`layer1.0.conv1.weight`), and the order of definition is the
 * order of the checkpoint, so `stateDict()` needs no table of names.
 *
 * ```ts
 * class Perceptron extends nn.Module {
 *   hidden = new nn.Linear(784, 128);
 *   output = new nn.Linear(128, 10);
 *   forward(x: Tensor): Tensor {
 *     return this.output.forward(this.hidden.forward(x).relu());
 *   }
 * }
 * ```
 */
export abstract class Module<Inputs extends unknown[] = [Tensor], Output = Tensor> {
  /** Whether dropout drops and batch norm learns its statistics; set by `train()` and `eval()`. */
  training = true;
  #frozen = false;
  #forwardHooks: Set<ForwardHook<unknown[], unknown>> | null = null;

  abstract forward(...inputs: Inputs): Output;

  /** This module's own properties by name, in order of definition. Containers answer with what they contain. */
  members(): Iterable<[string, unknown]> {
    return Object.entries(this);
  }

  /** The modules directly inside this one. */
  namedChildren(): Map<string, AnyModule> {
    return new Map(ownMembers(this, isModule));
  }

  /** This module under the name `''` and every module below it, parents before children, shared ones once. */
  namedModules(): Map<string, AnyModule> {
    const found = new Map<string, AnyModule>();
    const seen = new Set<AnyModule>();
    for (const [name, module] of walk(this, '')) {
      if (seen.has(module)) continue;
      seen.add(module);
      found.set(name, module);
    }
    return found;
  }

  /** Every parameter by its checkpoint name, in PyTorch's order; one that is shared appears once, under its first name. */
  namedParameters(): Map<string, Parameter> {
    return this.#namedTensors((value) => value instanceof Parameter);
  }

  /** Every buffer (running statistics and the like) by its checkpoint name, also those that checkpoints leave out. */
  namedBuffers(): Map<string, Buffer> {
    return this.#namedTensors((value) => value instanceof Buffer);
  }

  parameters(): Parameter[] {
    return [...this.namedParameters().values()];
  }

  /** Number of elements in all parameters; shared parameters count once. */
  get parameterCount(): number {
    return this.parameters().reduce((sum, parameter) => sum + parameter.numel, 0);
  }

  #namedTensors<T extends Tensor>(wanted: (value: unknown) => value is T): Map<string, T> {
    const found = new Map<string, T>();
    const seen = new Set<T>();
    for (const [path, module] of this.namedModules()) {
      for (const [name, tensor] of ownMembers(module, wanted)) {
        if (seen.has(tensor)) continue;
        seen.add(tensor);
        found.set(join(path, name), tensor);
      }
    }
    return found;
  }

  /**
   * Parameters and persistent buffers by name: of each module its parameters, then its buffers, then its children's.
   * The tensors are the module's own, not copies; a shared one appears under each of its names.
   */
  stateDict(): Map<string, Tensor> {
    const state = new Map<string, Tensor>();
    for (const [path, module] of walk(this, '')) {
      for (const [name, parameter] of ownMembers(module, isParameter)) state.set(join(path, name), parameter);
      for (const [name, buffer] of ownMembers(module, isPersistentBuffer)) state.set(join(path, name), buffer);
    }
    return state;
  }

  /**
   * Copies the values of `state` into this module's parameters and buffers; dtype and device stay this module's.
   *
   * @throws StateDictError, naming every key at fault, when a shape differs, or when `strict` (the default) and a name
   *   is missing or unexpected. Nothing is copied then.
   */
  loadStateDict(state: ReadonlyMap<string, Tensor>, { strict = true } = {}): LoadReport {
    const own = this.stateDict();
    const report = checkStateDict(own, state, { strict });
    noGrad(() => {
      for (const [name, tensor] of own) {
        const value = state.get(name);
        if (value) tensor.copy_(value);
      }
    });
    return report;
  }

  /**
   * Training behaviour for this module and all below it (`mode = false`: evaluation), except those that `freeze` holds.
   */
  train(mode = true): this {
    for (const module of this.namedModules().values()) module.training = mode && !module.#frozen;
    return this;
  }

  /** Evaluation behaviour: no dropout, batch norm uses its running statistics. */
  eval(): this {
    return this.train(false);
  }

  /**
   * Stops parameters from learning whose name starts with one of the prefixes (`'layer1.'`); they get no gradient.
   * The modules under those prefixes stay in evaluation mode: a batch norm that went on adapting its statistics would
   * still change the features of a layer that is meant to stand still.
   */
  freeze(prefixes: readonly string[]): this {
    const isFrozen = (name: string): boolean => prefixes.some((prefix) => name.startsWith(prefix));
    for (const [name, parameter] of this.namedParameters()) {
      if (isFrozen(name)) parameter.requiresGrad = false;
    }
    for (const [name, module] of this.namedModules()) {
      if (name === '' || !isFrozen(`${name}.`)) continue;
      module.#frozen = true;
      module.training = false;
    }
    return this;
  }

  /** Calls `change` with every module of the tree, children before their parents. */
  apply(change: (module: AnyModule) => void): this {
    for (const child of this.namedChildren().values()) child.apply(change);
    change(this);
    return this;
  }

  /**
   * Changes dtype (of floating tensors), device, or memory format (of tensors `[N, C, H, W]`) in place.
   * Parameters keep their identity, so an optimiser made before goes on working.
   */
  to(options: { dtype?: DType; device?: Device; memoryFormat?: MemoryFormat }): this {
    const convert = (tensor: Tensor): void => {
      const { dtype, memoryFormat, ...rest } = options;
      const change: typeof options = rest;
      if (dtype && isFloating(tensor.dtype)) change.dtype = dtype;
      if (memoryFormat && tensor.ndim === 4) change.memoryFormat = memoryFormat;
      tensor.setData(tensor.detach().to(change));
    };
    tidy(() =>
      noGrad(() => {
        for (const parameter of this.parameters()) {
          const gradient = parameter.grad;
          convert(parameter);
          if (gradient) convert(gradient);
        }
        for (const buffer of this.namedBuffers().values()) convert(buffer);
      }),
    );
    return this;
  }

  /** Forgets all gradients, freeing their memory. */
  zeroGrad(): void {
    for (const parameter of this.parameters()) parameter.grad = null;
  }

  /** Calls `hook` after each `forward` of this module. Returns a function that takes the hook away again. */
  registerForwardHook(hook: ForwardHook<Inputs, Output>): () => void {
    const hooks = this.#hookedForward();
    const entry: ForwardHook<unknown[], unknown> = (inputs, output) => hook(inputs as Inputs, output as Output);
    hooks.add(entry);
    return () => {
      hooks.delete(entry);
    };
  }

  /** Parents call `child.forward(x)`, so hooks shadow that method on the instance; without hooks there is no cost. */
  #hookedForward(): Set<ForwardHook<unknown[], unknown>> {
    if (this.#forwardHooks) return this.#forwardHooks;
    const hooks = new Set<ForwardHook<unknown[], unknown>>();
    const forward = this.forward.bind(this);
    const hooked = (...inputs: Inputs): Output => {
      let output = forward(...inputs);
      for (const hook of hooks) output = (hook(inputs, output) as Output | undefined) ?? output;
      return output;
    };
    Object.defineProperty(this, 'forward', { value: hooked, enumerable: false });
    this.#forwardHooks = hooks;
    return hooks;
  }
}

const isModule = (value: unknown): value is AnyModule => value instanceof Module;
const isParameter = (value: unknown): value is Parameter => value instanceof Parameter;
const isPersistentBuffer = (value: unknown): value is Buffer => value instanceof Buffer && value.persistent;
const isFloating = (dtype: DType): boolean => dtype.includes('float');
const join = (path: string, name: string): string => (path ? `${path}.${name}` : name);

function* ownMembers<T>(module: AnyModule, wanted: (value: unknown) => value is T): Iterable<[string, T]> {
  for (const [name, value] of module.members()) {
    if (wanted(value)) yield [name, value];
  }
}

/** Depth first, parents before children, in order of definition; a shared module once for each of its places. */
function* walk(module: AnyModule, path: string): Iterable<[string, AnyModule]> {
  yield [path, module];
  for (const [name, child] of ownMembers(module, isModule)) yield* walk(child, join(path, name));
}
