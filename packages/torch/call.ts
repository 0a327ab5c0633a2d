import { type Lookup, loadTorchvision, native } from './engine.ts';
import { holdTensors } from './memory.ts';
import { Tensor } from './tensor.ts';
import { TorchError } from './torch-error.ts';

/** An argument in words, for errors. */
function describe(value: unknown): string {
  if (value instanceof Tensor)
    return value.isDisposed
      ? 'disposed tensor'
      : `${value.dtype}[${value.shape.join(',')}]${value.device === 'cpu' ? '' : ` on ${value.device}`}`;
  if (Array.isArray(value))
    return `[${value.slice(0, 8).map(describe).join(', ')}${value.length > 8 ? `, … ${value.length}` : ''}]`;
  return typeof value === 'string' ? `'${value}'` : String(value);
}

/** Random generators cross the border as their number. */
export interface GeneratorHandle {
  readonly index: number;
}

function isGenerator(value: unknown): value is GeneratorHandle {
  return typeof value === 'object' && value !== null && 'index' in value && typeof value.index === 'number';
}

/** One call as a recorder sees it. `args` stand in schema order, as given. */
export interface RecordedCall {
  readonly operator: string;
  readonly schema: string;
  /** Names of the schema's parameters. */
  readonly parameters: readonly string[];
  readonly args: readonly unknown[];
  readonly outputs: readonly unknown[];
}

let recorder: RecordedCall[] | null = null;

/**
 * Runs `work` and notes every dispatcher call it makes from TypeScript. `work` gets the growing record, to see where in it it stands.
 * Tensors in the record live until they are disposed, or the `tidy` around the recording ends: one within it frees nothing.
 */
export function recordCalls<T>(work: (calls: readonly RecordedCall[]) => T): { result: T; calls: RecordedCall[] } {
  const outer = recorder;
  const calls: RecordedCall[] = [];
  recorder = calls;
  try {
    return { result: holdTensors(() => work(calls)), calls };
  } finally {
    recorder = outer;
  }
}

/** An operator that was looked up once: its number in the addon, and what its results are. */
export class Operator {
  readonly name: string;
  readonly schema: string;
  readonly parameters: readonly string[];
  readonly #id: number;
  readonly #aliases: readonly number[];
  readonly #takes: readonly ('tensor' | 'generator' | 'plain')[];
  readonly #isTensor: readonly boolean[];

  private constructor(name: string, found: Lookup) {
    this.name = name;
    this.schema = found.schema;
    this.parameters = found.parameters;
    this.#id = found.id;
    this.#aliases = found.aliases;
    this.#takes = found.types.map((type) =>
      type.includes('Tensor') ? 'tensor' : type.includes('Generator') ? 'generator' : 'plain',
    );
    this.#isTensor = found.returns.map((type) => type.includes('Tensor'));
  }

  static readonly #known = new Map<string, Operator | null>();

  /** The operator of that name and overload (`aten::add.Tensor`), or null when this libtorch has none. */
  static find(name: string): Operator | null {
    const known = Operator.#known.get(name);
    if (known !== undefined) return known;
    if (name.startsWith('torchvision::')) loadTorchvision();
    const found = native.lookup(name);
    const operator = found && new Operator(name, found);
    Operator.#known.set(name, operator);
    return operator;
  }

  /** Calls it. Missing arguments take the schema's defaults. @throws TorchError */
  call(...args: unknown[]): unknown {
    let output: unknown;
    try {
      if (args.length > this.#takes.length)
        throw new TypeError(`takes at most ${this.#takes.length} arguments, got ${args.length}`);
      const values = new Array<unknown>(args.length);
      for (let i = 0; i < args.length; i++) values[i] = this.#toNative(args[i], i);
      output = native.call(this.#id, ...values);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw new TorchError(this.name, args.map(describe), error instanceof TorchError ? error.reason : error.message);
    }
    const returns = this.#aliases.length;
    let result: unknown;
    if (returns === 1) result = this.#fromNative(output, 0, args);
    else if (returns > 1) result = (output as unknown[]).map((item, i) => this.#fromNative(item, i, args));
    if (recorder) {
      const { name: operator, schema, parameters } = this;
      const outputs = returns === 1 ? [result] : ((result ?? []) as unknown[]);
      recorder.push({ operator, schema, parameters, args, outputs });
    }
    return result;
  }

  /** Tensors and generators cross the border as numbers, so a number where one of them belongs must be caught on this side. */
  #toNative(value: unknown, position: number): unknown {
    const takes = this.#takes[position];
    if (takes === 'tensor' ? value instanceof Tensor : takes === 'plain' && !(value instanceof Tensor))
      return takes === 'tensor' ? (value as Tensor).handle : value;
    if (value === null || value === undefined) return value;
    if (Array.isArray(value)) return value.map((item) => this.#toNative(item, position));
    if (takes === 'generator' && isGenerator(value)) return value.index;
    const wanted = takes === 'plain' ? 'plain value (see item())' : takes;
    throw new TypeError(
      `argument ${this.parameters[position]}: a ${wanted} belongs where ${describe(value)} was given`,
    );
  }

  #fromNative(value: unknown, position: number, args: readonly unknown[]): unknown {
    const alias = this.#aliases[position];
    if (alias >= 0) return args[alias];
    return this.#isTensor[position] ? wrap(value) : value;
  }
}

function wrap(value: unknown): unknown {
  if (typeof value === 'number') return new Tensor(value);
  return value === null ? null : (value as unknown[]).map(wrap);
}

/** Whether this libtorch registers the operator, e.g. `aten::_foreach_add_.List` or `torchvision::nms`. */
export const hasOp = (name: string): boolean => Operator.find(name) !== null;

/**
 * Calls any registered operator by `namespace::name` or `namespace::name.overload`, arguments in the order of its schema.
 * The typed forms in `ops` are the same calls with a signature.
 * @throws TorchError
 */
export function call(name: string, ...args: unknown[]): unknown {
  const operator = Operator.find(name);
  if (!operator) throw new TorchError(name, args.map(describe), `libtorch ${native.version()} has no such operator`);
  return operator.call(...args);
}

/** The schemas of all registered operators. */
export function schemas(): string[] {
  loadTorchvision();
  return native.operators();
}

/** The typed form of an operator; it is looked up at its first call. @internal for ops.generated.ts */
export function bind<F extends (...args: never[]) => unknown>(name: string): F {
  let operator: Operator | null = null;
  const bound = (...args: unknown[]): unknown => {
    operator ??= Operator.find(name);
    return operator ? operator.call(...args) : call(name, ...args);
  };
  return bound as unknown as F;
}
