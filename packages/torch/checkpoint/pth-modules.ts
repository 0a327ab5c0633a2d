/** Modules of PyTorch that were pickled whole (`torch.save(model)`): read as the tensors in them, never made. */
import { CheckpointError } from './checkpoint-error.ts';
import { PickleClass } from './pickle.ts';
import { isTensor, type TensorRef } from './pth-globals.ts';

/** What a module is made of. All else that its object holds is left out. */
interface ModuleState {
  readonly parameters: ReadonlyMap<unknown, unknown>;
  readonly buffers: ReadonlyMap<unknown, unknown>;
  readonly modules: ReadonlyMap<unknown, unknown>;
  /** Names of buffers that are not part of the weights. */
  readonly notPersistent: ReadonlySet<unknown>;
}

/** An object of a class that is not known here: a record of its state, without methods. */
export class PickledModule {
  readonly className: string;
  state: ModuleState | null = null;
  constructor(className: string) {
    this.className = className;
  }
}

/** Classes that a pickle names beyond the known ones. They must turn out to be modules' classes. */
export class ModuleClasses {
  readonly #refused: (name: string) => CheckpointError;
  readonly #classes = new Map<string, PickleClass>();
  readonly #isModule = new Set<string>();

  /** @param refused the error for a name that may not be used otherwise */
  constructor(refused: (name: string) => CheckpointError) {
    this.#refused = refused;
  }

  named(name: string): PickleClass {
    const refuse = (): never => {
      throw this.#refused(name);
    };
    const known = this.#classes.get(name);
    if (known) return known;
    const made = new PickleClass(name, refuse, (args) => (args.length === 0 ? new PickledModule(name) : refuse()));
    this.#classes.set(name, made);
    return made;
  }

  /** @throws CheckpointError when the state is not one that `torch.nn.Module` has */
  setState(module: PickledModule, state: unknown): void {
    const dict = state instanceof Map ? state : new Map<unknown, unknown>();
    const [parameters, buffers, modules] = ['_parameters', '_buffers', '_modules'].map((key) => dict.get(key));
    const notPersistent = dict.get('_non_persistent_buffers_set') ?? new Set();
    const isState = [parameters, buffers, modules].every((part) => part instanceof Map) && notPersistent instanceof Set;
    if (!isState || module.state) throw this.#refused(module.className);
    module.state = { parameters, buffers, modules, notPersistent };
    this.#isModule.add(module.className);
  }

  /** @throws CheckpointError for a name of which no module was made: of a function, or a class of something else */
  check(): void {
    for (const name of this.#classes.keys()) if (!this.#isModule.has(name)) throw this.#refused(name);
  }
}

/** Far more than any network has; a file can hold one module a hundred times over, and that one another, and so on. */
const MAX_ENTRIES = 1_000_000;
const MAX_DEPTH = 100;

/**
 * The weights of a module by their paths, as its `state_dict()` gives them: of each module parameters, then buffers, then those of
 * the modules in it.
 *
 * @throws CheckpointError `unsupported` for modules without end
 */
export function moduleWeights(file: string, root: PickledModule): Map<string, TensorRef> {
  const weights = new Map<string, TensorRef>();
  let visited = 0;
  const visit = (module: PickledModule, prefix: string, depth: number): void => {
    if (!module.state) return;
    const { parameters, buffers, modules, notPersistent } = module.state;
    visited += 1 + parameters.size + buffers.size + modules.size;
    if (visited > MAX_ENTRIES || depth > MAX_DEPTH) {
      throw new CheckpointError({ code: 'unsupported', file, problem: 'holds modules within modules without end' });
    }
    const add = (name: unknown, value: unknown): void => {
      if (typeof name === 'string' && isTensor(value)) weights.set(prefix + name, value);
    };
    for (const [name, value] of parameters) add(name, value);
    for (const [name, value] of buffers) if (!notPersistent.has(name)) add(name, value);
    for (const [name, value] of modules) {
      if (typeof name === 'string' && value instanceof PickledModule) visit(value, `${prefix}${name}.`, depth + 1);
    }
  };
  visit(root, '', 0);
  return weights;
}
