import { createHash } from 'node:crypto';
import type { DType, Tensor } from '@fovea/torch';
import { TensorProto_DataType as DataType } from './onnx.gen.ts';

/** The name of a value in an ONNX graph; the empty string stands for an optional input that is left out. */
export type Value = string;

/** An attribute's value with its ONNX type: JavaScript's numbers do not tell integers from floats. */
export type Attribute = { int: number } | { ints: readonly number[] } | { float: number } | { string: string };

export const int = (value: number): Attribute => ({ int: value });
export const ints = (values: readonly number[]): Attribute => ({ ints: values });
export const float = (value: number): Attribute => ({ float: value });
export const string = (value: string): Attribute => ({ string: value });

export interface Node {
  name: string;
  type: string;
  inputs: Value[];
  outputs: Value[];
  attributes: Record<string, Attribute>;
}

/** A constant of the graph: weights, shapes, scalars. */
export interface Initializer {
  name: string;
  dataType: number;
  shape: readonly number[];
  /** Little-endian, row-major. Read when the file is written, so that weights are not held twice. */
  bytes(): Uint8Array;
}

export const DATA_TYPES: Record<DType, number> = {
  float32: DataType.FLOAT,
  float64: DataType.DOUBLE,
  float16: DataType.FLOAT16,
  bfloat16: DataType.BFLOAT16,
  int64: DataType.INT64,
  int32: DataType.INT32,
  int16: DataType.INT16,
  int8: DataType.INT8,
  uint8: DataType.UINT8,
  bool: DataType.BOOL,
};

/** Collects the nodes and constants of one ONNX graph. */
export class Graph {
  readonly opset: number;
  readonly input: Value;
  /** Path of the module that nodes are added for; they are named after it. */
  module = '';
  readonly #nodes: Node[] = [];
  readonly #initializers = new Map<Value, Initializer>();
  readonly #tensors = new Map<Tensor, Value>();
  readonly #constants = new Map<string, Value>();
  readonly #names = new Set<string>();

  constructor(input: Value, opset: number) {
    this.input = input;
    this.opset = opset;
    this.#names.add(input);
  }

  /** Adds a node with one output. Trailing inputs that are left out ('' or null) disappear. */
  node(type: string, inputs: readonly (Value | null)[], attributes: Record<string, Attribute> = {}): Value {
    return this.nodes(type, inputs, attributes, 1)[0];
  }

  /** Adds a node with several outputs. */
  nodes(
    type: string,
    inputs: readonly (Value | null)[],
    attributes: Record<string, Attribute>,
    outputs: number,
  ): Value[] {
    const named = inputs.map((input) => input ?? '');
    while (named.at(-1) === '') named.pop();
    const name = this.#unique(`/${this.module.replaceAll('.', '/')}/${type}`.replace('//', '/'));
    const results = Array.from({ length: outputs }, (_, i) => this.#unique(`${name}_output_${i}`));
    this.#nodes.push({ name, type, inputs: named, outputs: results, attributes });
    return results;
  }

  /** A tensor of the engine as a constant, by the name given (with a number added where that is taken). */
  initializer(tensor: Tensor, wanted: string): Value {
    let name = this.#tensors.get(tensor);
    if (name === undefined) {
      name = this.#unique(wanted);
      this.#tensors.set(tensor, name);
      const { dtype, shape } = tensor;
      this.#initializers.set(name, { name, dataType: DATA_TYPES[dtype], shape, bytes: () => tensor.toBytes() });
    }
    return name;
  }

  /** A list of int64, as shapes and axes are given. */
  ints(values: readonly number[]): Value {
    return this.#constant(DataType.INT64, [values.length], BigInt64Array.from(values, BigInt));
  }

  /** One number without dimensions, in the dtype of the values that it meets. */
  scalar(value: number, dtype: DType): Value {
    const arrays = { float64: Float64Array, int32: Int32Array, uint8: Uint8Array, bool: Uint8Array };
    if (dtype === 'int64') return this.#constant(DataType.INT64, [], BigInt64Array.of(BigInt(Math.trunc(value))));
    if (dtype in arrays) return this.#constant(DATA_TYPES[dtype], [], arrays[dtype as keyof typeof arrays].of(value));
    return this.floats([value], []);
  }

  floats(values: readonly number[], shape: readonly number[]): Value {
    return this.#constant(DataType.FLOAT, shape, Float32Array.from(values));
  }

  /** A number that stands in the file under its own name, so that it can be found and changed there. */
  setting(name: string, dtype: 'float32' | 'int64', value: number): Value {
    const data = dtype === 'float32' ? Float32Array.of(value) : BigInt64Array.of(BigInt(value));
    const bytes = new Uint8Array(data.buffer);
    if (!this.#initializers.has(name)) {
      this.#names.add(name);
      this.#initializers.set(name, { name, dataType: DATA_TYPES[dtype], shape: [1], bytes: () => bytes });
    }
    return name;
  }

  /**
   * The nodes that the outputs need, in order, and the constants that they use.
   *
   * @param outputs values that get other names, with these names
   */
  finish(outputs: ReadonlyMap<Value, string>): { nodes: Node[]; initializers: Initializer[] } {
    const needed = new Set<Value>(outputs.keys());
    const nodes: Node[] = [];
    for (const node of this.#nodes.toReversed()) {
      if (!node.outputs.some((value) => needed.has(value))) continue;
      for (const value of node.inputs) needed.add(value);
      nodes.push(node);
    }
    const rename = (value: Value) => outputs.get(value) ?? value;
    const live = nodes
      .reverse()
      .map((node) => ({ ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) }));
    return {
      nodes: live,
      initializers: [...this.#initializers.values()].filter((constant) => needed.has(constant.name)),
    };
  }

  #constant(dataType: number, shape: readonly number[], data: ArrayBufferView): Value {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const key = `${dataType}[${shape}]${createHash('sha1').update(bytes).digest('hex')}`;
    let name = this.#constants.get(key);
    if (name === undefined) {
      name = this.#unique('constant');
      this.#constants.set(key, name);
      this.#initializers.set(name, { name, dataType, shape, bytes: () => bytes });
    }
    return name;
  }

  #unique(wanted: string): string {
    let name = wanted;
    for (let i = 1; this.#names.has(name); i++) name = `${wanted}_${i}`;
    this.#names.add(name);
    return name;
  }
}
