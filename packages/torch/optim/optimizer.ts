import { noGrad } from '../autograd.ts';
import { keep, tidy } from '../memory.ts';
import { Parameter, type Tensor } from '../tensor.ts';

/** What every optimiser lets each group of parameters choose. */
export interface GroupOptions {
  /** Before the schedule's factor. */
  learningRate: number;
  weightDecay: number;
}

/** Parameters with options of their own; an option left out is the optimiser's. */
export type ParameterGroup<Options> = { parameters: Iterable<Parameter> } & Partial<Options>;

/** All that is needed to go on later: tensors by `<index of the parameter>.<name>`, and plain JSON. */
export interface OptimizerState<Options> {
  tensors: Map<string, Tensor>;
  settings: {
    /** How many updates each parameter has had. */
    steps: number[];
    groups: (Options & { parameters: number[] })[];
  };
}

/** Updates so far, and tensors like the momentum buffer, of one parameter. */
interface ParameterState {
  step: number;
  readonly tensors: Map<string, Tensor>;
}

/** A parameter that has a gradient in this step. */
interface Learner {
  readonly parameter: Parameter;
  readonly gradient: Tensor;
  readonly state: ParameterState;
}

/** Parameters that are updated together: same options, device, and number of steps before. */
export class Batch {
  readonly parameters: Tensor[];
  readonly gradients: Tensor[];
  /** Updates before this one. */
  readonly step: number;
  readonly #states: ParameterState[];

  constructor(learners: readonly Learner[]) {
    this.parameters = learners.map(({ parameter }) => parameter);
    this.gradients = learners.map(({ gradient }) => gradient);
    this.#states = learners.map(({ state }) => state);
    this.step = this.#states[0].step;
  }

  /** The state tensor of that name of each parameter; those not there yet begin as `initial` of the tensors given. */
  state(name: string, like: readonly Tensor[], initial: (tensor: Tensor) => Tensor): Tensor[] {
    return this.#states.map(({ tensors }, index) => {
      const known = tensors.get(name);
      if (known) return known;
      const created = keep(initial(like[index]));
      tensors.set(name, created);
      return created;
    });
  }
}

/** On the CPU, elements that are updated together: few enough that the passes of an update find them in the cache. */
const CACHED_ELEMENTS = 1 << 17;

/**
 * Splits parameters into those that are updated together. On a GPU the number of kernels costs the most, so a batch is as
 * long as can be; on a CPU memory does, so a large tensor goes through all passes of an update before the next one.
 */
function* batches(learners: Iterable<Learner>): Iterable<Batch> {
  let together: Learner[] = [];
  let device = '';
  let elements = 0;
  for (const learner of learners) {
    const { numel, device: itsDevice } = learner.parameter;
    const isFull = itsDevice === 'cpu' && elements + numel > CACHED_ELEMENTS;
    const fits = !isFull && itsDevice === device && learner.state.step === together[0]?.state.step;
    if (!fits && together.length > 0) {
      yield new Batch(together);
      together = [];
      elements = 0;
    }
    device = itsDevice;
    together.push(learner);
    elements += numel;
  }
  if (together.length > 0) yield new Batch(together);
}

/**
 * The part that all optimisers share: groups, state, and the walk over parameters with a gradient.
 * An optimiser itself is one function, `update`, from gradients to new values.
 */
export abstract class Optimizer<Options extends GroupOptions> {
  readonly groups: (Options & { parameters: Parameter[] })[];
  readonly #states = new Map<Parameter, ParameterState>();
  #factor = 1;

  /** @throws RangeError when there is no parameter, or one is in two places. */
  constructor(parameters: Iterable<Parameter | ParameterGroup<Options>>, defaults: Options) {
    this.groups = [];
    const loose: Parameter[] = [];
    for (const entry of parameters) {
      if (entry instanceof Parameter) loose.push(entry);
      else this.groups.push({ ...defaults, ...entry, parameters: [...entry.parameters] });
    }
    if (loose.length > 0) this.groups.unshift({ ...defaults, parameters: loose });

    for (const parameter of this.#parameters()) {
      if (this.#states.has(parameter)) throw new RangeError('A parameter was given to the optimiser twice');
      this.#states.set(parameter, { step: 0, tensors: new Map() });
    }
    if (this.#states.size === 0) throw new RangeError('The optimiser was given no parameters');
  }

  /** Changes the parameters and state tensors of one batch in place. Runs outside of autograd; temporaries are freed. */
  protected abstract update(batch: Batch, options: Options): void;

  /** One update of every parameter that has a gradient. */
  step(): void {
    noGrad(() =>
      tidy(() => {
        for (const group of this.groups) {
          const options = { ...group, learningRate: group.learningRate * this.#factor };
          const learners = [...this.#learners(group.parameters)];
          for (const batch of batches(learners)) tidy(() => this.update(batch, options));
          for (const { state } of learners) state.step++;
        }
      }),
    );
  }

  *#learners(parameters: readonly Parameter[]): Iterable<Learner> {
    for (const parameter of parameters) {
      const gradient = parameter.grad;
      if (gradient) yield { parameter, gradient, state: this.#state(parameter) };
    }
  }

  /** Multiplies the learning rate of every group by a schedule's factor, from now on. */
  setLearningRate(factor: number): void {
    this.#factor = factor;
  }

  /** Forgets all gradients, freeing their memory. */
  zeroGrad(): void {
    for (const parameter of this.#parameters()) parameter.grad = null;
  }

  /** The state as it is now. The tensors are the optimiser's own, not copies: write them before the next step. */
  stateDict(): OptimizerState<Options> {
    const parameters = [...this.#parameters()];
    const tensors = new Map<string, Tensor>();
    for (const [index, parameter] of parameters.entries()) {
      for (const [name, tensor] of this.#state(parameter).tensors) tensors.set(`${index}.${name}`, tensor);
    }
    const place = new Map(parameters.map((parameter, index) => [parameter, index]));
    return {
      tensors,
      settings: {
        steps: parameters.map((parameter) => this.#state(parameter).step),
        groups: this.groups.map((group) => ({
          ...group,
          parameters: group.parameters.map((parameter) => place.get(parameter) as number),
        })),
      },
    };
  }

  /**
   * Goes on from a state that `stateDict` gave; the tensors are copied.
   *
   * @throws RangeError when the groups do not have the same number of parameters, or a tensor has another shape.
   */
  loadStateDict({ tensors, settings }: OptimizerState<Options>): void {
    const parameters = [...this.#parameters()];
    const sizes = (groups: { parameters: unknown[] }[]): string => groups.map((g) => g.parameters.length).join(', ');
    if (sizes(settings.groups) !== sizes(this.groups)) {
      throw new RangeError(
        `The saved optimiser has groups of ${sizes(settings.groups)} parameters, this one of ${sizes(this.groups)}`,
      );
    }
    for (const [key, tensor] of tensors) {
      const shape = parameters[Number.parseInt(key, 10)]?.shape;
      if (`${tensor.shape}` !== `${shape}`) {
        throw new RangeError(`The saved optimiser's ${key} has shape [${tensor.shape}], the parameter's is [${shape}]`);
      }
    }

    for (const [position, saved] of settings.groups.entries()) {
      Object.assign(this.groups[position], { ...saved, parameters: this.groups[position].parameters });
    }
    for (const [index, parameter] of parameters.entries()) {
      const state = this.#state(parameter);
      state.step = settings.steps[index];
      for (const tensor of state.tensors.values()) tensor.dispose();
      state.tensors.clear();
    }
    noGrad(() => {
      for (const [key, tensor] of tensors) {
        const [index, name] = key.split('.', 2);
        const parameter = parameters[Number(index)];
        this.#state(parameter).tensors.set(name, keep(tidy(() => parameter.detach().clone().copy_(tensor))));
      }
    });
  }

  *#parameters(): Iterable<Parameter> {
    for (const group of this.groups) yield* group.parameters;
  }

  #state(parameter: Parameter): ParameterState {
    const state = this.#states.get(parameter);
    if (!state) throw new RangeError('A parameter was added to a group after the optimiser was made');
    return state;
  }
}
