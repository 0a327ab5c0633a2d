import { type Handle, type Lookup, native } from './engine.ts';
import { Tensor } from './tensor.ts';

/** An operator of libtorch refused its arguments or failed. */
export class TorchError extends Error {
  override readonly name = 'TorchError';
  /** e.g. `aten::conv2d` */
  readonly operator: string;
  /** The arguments in words: shapes and dtypes of tensors, values of the rest. */
  readonly arguments: readonly string[];
  /** The device or the host had no memory left. */
  readonly outOfMemory: boolean;

  constructor(operator: string, args: readonly string[], reason: string) {
    super(`${operator}: ${reason}\n  called with (${args.join(', ')})`);
    this.operator = operator;
    this.arguments = args;
    this.outOfMemory = /out of memory|can't allocate memory|CUDA_ERROR_OUT_OF_MEMORY/i.test(reason);
  }
}

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
 * Tensors in the record live until they are disposed.
 */
export function recordCalls<T>(work: (calls: readonly RecordedCall[]) => T): { result: T; calls: RecordedCall[] } {
  const outer = recorder;
  const calls: RecordedCall[] = [];
  recorder = calls;
  try {
    return { result: work(calls), calls };
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
  readonly #takesTensor: readonly boolean[];
  readonly #isTensor: readonly boolean[];

  private constructor(name: string, found: Lookup) {
    this.name = name;
    this.schema = found.schema;
    this.parameters = found.parameters;
    this.#id = found.id;
    this.#aliases = found.aliases;
    this.#takesTensor = found.types.map((type) => type.includes('Tensor'));
    this.#isTensor = found.returns.map((type) => type.includes('Tensor'));
  }

  static readonly #known = new Map<string, Operator | null>();

  /** The operator of that name and overload (`aten::add.Tensor`), or null when this libtorch has none. */
  static find(name: string): Operator | null {
    const known = Operator.#known.get(name);
    if (known !== undefined) return known;
    const found = native.lookup(name);
    const operator = found && new Operator(name, found);
    Operator.#known.set(name, operator);
    return operator;
  }

  /** Calls it. Missing arguments take the schema's defaults. @throws TorchError */
  call(...args: unknown[]): unknown {
    let output: unknown;
    try {
      output = native.call(this.#id, ...args.map((value, i) => toNative(value, this.#takesTensor[i])));
    } catch (error) {
      throw new TorchError(this.name, args.map(describe), error instanceof Error ? error.message : String(error));
    }
    const returns = this.#aliases.length;
    if (returns === 0) {
      recorder?.push(this.#record(args, []));
      return undefined;
    }
    const result =
      returns === 1
        ? this.#fromNative(output, 0, args)
        : (output as unknown[]).map((item, i) => this.#fromNative(item, i, args));
    recorder?.push(this.#record(args, returns === 1 ? [result] : (result as unknown[])));
    return result;
  }

  #record(args: readonly unknown[], outputs: readonly unknown[]): RecordedCall {
    return { operator: this.name, schema: this.schema, parameters: this.parameters, args, outputs };
  }

  #fromNative(value: unknown, position: number, args: readonly unknown[]): unknown {
    const alias = this.#aliases[position];
    if (alias >= 0) return args[alias];
    return this.#isTensor[position] ? wrap(value) : value;
  }
}

/** Tensors and generators cross the border as numbers, so a number where a tensor belongs must be caught on this side. */
function toNative(value: unknown, takesTensor: boolean): unknown {
  if (value instanceof Tensor) {
    if (!takesTensor) throw new TypeError('a tensor was given where a plain value belongs; use item()');
    return value.handle;
  }
  if (value === null || value === undefined) return value;
  if (Array.isArray(value)) return value.map((item) => toNative(item, takesTensor));
  if (takesTensor) throw new TypeError(`a tensor belongs where ${describe(value)} was given`);
  return typeof value === 'object' && 'index' in value ? value.index : value;
}

function wrap(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(wrap);
  return value === null ? null : new Tensor(value as Handle);
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
export const schemas = (): string[] => native.operators();

/** The typed form of an operator; it is looked up at its first call. @internal for ops.generated.ts */
export function bind<F extends (...args: never[]) => unknown>(name: string): F {
  let operator: Operator | null = null;
  const bound = (...args: unknown[]): unknown => {
    operator ??= Operator.find(name);
    return operator ? operator.call(...args) : call(name, ...args);
  };
  return bound as unknown as F;
}
