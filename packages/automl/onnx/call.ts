import type { DType, Tensor } from '@fovea/torch';
import type { Graph, Value } from './graph.ts';
import { OnnxError } from './onnx-error.ts';
import { isTensor, type Trace, type TracedCall } from './trace.ts';

/** A traced call as a mapping reads it: arguments by their name in the schema, tensors as values of the graph. */
export class Call {
  readonly #call: TracedCall;
  readonly #position: number;
  readonly #trace: Trace;
  readonly #resolve: (tensor: Tensor) => Value;

  constructor(trace: Trace, position: number, resolve: (tensor: Tensor) => Value) {
    this.#trace = trace;
    this.#position = position;
    this.#call = trace.calls[position];
    this.#resolve = resolve;
  }

  get operator(): string {
    return this.#call.operator;
  }

  /** Whether the operator has a parameter of that name. */
  has(name: string): boolean {
    return name in this.#call.args;
  }

  // ---- tensors

  value(name: string): Value {
    return this.#resolve(this.#tensor(name));
  }

  /** Null where the argument is left out. */
  optional(name: string): Value | null {
    return this.#argument(name) === null ? null : this.value(name);
  }

  /** A list of tensors. */
  values(name: string): Value[] {
    return this.#tensors(name).map((tensor) => this.#resolve(tensor));
  }

  isTensor(name: string): boolean {
    return isTensor(this.#argument(name));
  }

  dtype(name: string): DType {
    return this.#tensor(name).dtype;
  }

  rank(name: string): number {
    return this.#tensor(name).ndim;
  }

  /** Ranks of a list of tensors. */
  ranks(name: string): number[] {
    return this.#tensors(name).map((tensor) => tensor.ndim);
  }

  /** Shape of a tensor argument in every pass of the trace. */
  shapes(name: string): readonly (readonly number[])[] {
    return this.#trace.shapes(this.#tensor(name));
  }

  /** A size that does not depend on the shape of the model's input. @throws OnnxError when it does */
  size(name: string, dim: number): number {
    const sizes = this.shapes(name).map((shape) => shape.at(dim));
    return this.#fixed(sizes, `size ${dim} of ${name}`) as number;
  }

  get outputCount(): number {
    return this.#call.outputs.length;
  }

  outputDtype(index = 0): DType {
    return this.#call.outputs[index].dtype;
  }

  /** Shape of a result in every pass of the trace. */
  outputShapes(index = 0): readonly (readonly number[])[] {
    return this.#trace.shapes(this.#call.outputs[index]);
  }

  outputSize(index: number, dim: number): number {
    const sizes = this.outputShapes(index).map((shape) => shape.at(dim));
    return this.#fixed(sizes, `size ${dim} of the result`) as number;
  }

  /** Batch sizes of the passes. */
  get batches(): readonly number[] {
    return this.#trace.batches;
  }

  // ---- plain arguments

  int(name: string): number {
    return Number(this.#plain(name));
  }

  number(name: string): number {
    return Number(this.#plain(name));
  }

  /** Null where the argument is left out. */
  optionalNumber(name: string): number | null {
    const value = this.#plain(name);
    return value === null ? null : Number(value);
  }

  flag(name: string): boolean {
    return Boolean(this.#plain(name));
  }

  text(name: string): string | null {
    const value = this.#plain(name);
    return value === null ? null : String(value);
  }

  /** A list of whole numbers; one number stands for `length` equal ones, as in the schema's `int[2]`. */
  ints(name: string, length = 1): number[] {
    const value = this.#plain(name);
    if (value === null) return [];
    const list = Array.isArray(value) ? value.map(Number) : [Number(value)];
    return list.length === 1 && length > 1 ? new Array(length).fill(list[0]) : list;
  }

  /** A dimension, counted from the front. */
  dim(name: string, of: string): number {
    const dim = this.int(name);
    return dim < 0 ? dim + this.rank(of) : dim;
  }

  // ---- failures

  /** An error that names the operator and the module. */
  unsupported(message: string, hint?: string): OnnxError {
    return this.#error('unsupported-use', message, hint);
  }

  fixedBatch(what: string): OnnxError {
    return this.#error(
      'fixed-batch',
      `${what} depends on the shape of the input in a way that ONNX cannot express here`,
    );
  }

  #error(code: 'unsupported-use' | 'fixed-batch', message: string, hint?: string): OnnxError {
    const { operator, schema, module } = this.#call;
    return new OnnxError({ code, message, hint, operator, schema, module });
  }

  #argument(name: string): unknown {
    if (!this.has(name)) throw new TypeError(`${this.operator} has no parameter ${name}`);
    return this.#call.args[name];
  }

  #tensor(name: string): Tensor {
    const value = this.#argument(name);
    if (!isTensor(value)) throw new TypeError(`${name} of ${this.operator} is not a tensor`);
    if (value.isDisposed)
      throw this.unsupported('the model frees a tensor within its forward pass, which a trace then cannot look at');
    return value;
  }

  #tensors(name: string): Tensor[] {
    return (this.#argument(name) as unknown[]).filter(isTensor);
  }

  /** An argument that must be the same for inputs of every shape, because it becomes part of the graph. */
  #plain(name: string): unknown {
    this.#argument(name);
    return this.#fixed(this.#trace.variants(this.#position, name), name);
  }

  #fixed(variants: readonly unknown[], what: string): unknown {
    const [first, ...others] = variants;
    const text = String(first);
    if (others.some((other) => String(other) !== text)) throw this.fixedBatch(what);
    return first;
  }
}

/** The ONNX form of one operator: adds nodes and gives the value of each of the operator's results. */
export type Mapping = (call: Call, graph: Graph) => Value | Value[];
