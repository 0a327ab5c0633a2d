import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from '../onnx.gen.ts';
import { OnnxError } from '../onnx-error.ts';

export { DataType, type NodeProto, type TensorProto };

/**
 * An ONNX file that is read, changed and written again. What is not touched, fields of newer versions of the format among it, is
 * written as it was read.
 *
 * Nodes and initialisers may be changed in place; who needs, makes or uses a value is looked up in a `GraphIndex` of the moment.
 */
export class EditableGraph {
  readonly #model: ModelProto;
  readonly #graph: GraphProto;
  readonly #names: Set<string>;

  /** @throws OnnxError with code `refused-file` when the bytes are no ONNX model */
  constructor(bytes: Uint8Array) {
    this.#model = read(bytes);
    const { graph } = this.#model;
    if (!graph) throw new OnnxError({ code: 'refused-file', message: 'the ONNX file holds no graph' });
    this.#graph = graph;
    this.#names = new Set([
      ...graph.input.map(({ name }) => name),
      ...graph.initializer.map(({ name }) => name),
      ...graph.node.flatMap(({ name, output }) => [name, ...output]),
    ]);
  }

  get nodes(): NodeProto[] {
    return this.#graph.node;
  }

  set nodes(nodes: readonly NodeProto[]) {
    this.#graph.node = [...nodes];
  }

  get constants(): readonly TensorProto[] {
    return this.#graph.initializer;
  }

  get inputs(): readonly string[] {
    return this.#graph.input.map(({ name }) => name);
  }

  get outputs(): readonly string[] {
    return this.#graph.output.map(({ name }) => name);
  }

  /** Version of ONNX's own operators. */
  get opset(): number {
    const own = this.#model.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx');
    return Number(own?.version ?? 0n);
  }

  /** A name that nothing has yet: the one wanted, or it with a number. */
  unused(wanted: string): string {
    let name = wanted;
    for (let i = 1; this.#names.has(name); i++) name = `${wanted}_${i}`;
    this.#names.add(name);
    return name;
  }

  /** @returns the name that the constant got */
  addConstant(wanted: string, dataType: number, dims: readonly number[], values: ArrayBufferView): string {
    const name = this.unused(wanted);
    const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.#graph.initializer.push(create(TensorProtoSchema, { name, dataType, dims: dims.map(BigInt), rawData }));
    return name;
  }

  addFloats(wanted: string, dims: readonly number[], values: Float32Array): string {
    return this.addConstant(wanted, DataType.FLOAT, dims, values);
  }

  /** Only makes the node; it stands in the graph once it is among `nodes`, which are in the order of their work. */
  node(
    opType: string,
    input: readonly string[],
    output: readonly string[],
    attribute: AttributeProto[] = [],
  ): NodeProto {
    const name = this.unused(`${output[0]}/${opType}`);
    return create(NodeProtoSchema, { name, opType, input: [...input], output: [...output], attribute });
  }

  /** Constants that nothing uses any more go. */
  dropUnusedConstants(): void {
    const used = new Set([...this.nodes.flatMap(({ input }) => input), ...this.outputs]);
    this.#graph.initializer = this.#graph.initializer.filter(({ name }) => used.has(name));
    // Old files list their weights among the inputs.
    const gone = (name: string) => !used.has(name) && this.#graph.input.length > 1;
    this.#graph.input = this.#graph.input.filter(({ name }) => !gone(name));
  }

  /** The file of the graph. */
  write(): Uint8Array {
    return toBinary(ModelProtoSchema, this.#model);
  }

  /** The file of what is needed for the values given, which are its outputs; their shapes are open. */
  writePartFor(values: readonly string[]): Uint8Array {
    const needed = new Set(values);
    const nodes: NodeProto[] = [];
    for (const node of this.nodes.toReversed()) {
      if (!node.output.some((value) => needed.has(value))) continue;
      for (const value of node.input) needed.add(value);
      nodes.push(node);
    }
    return toBinary(ModelProtoSchema, {
      ...this.#model,
      graph: {
        ...this.#graph,
        node: nodes.reverse(),
        initializer: this.#graph.initializer.filter(({ name }) => needed.has(name)),
        valueInfo: [],
        // Without a type: ONNX Runtime finds it out.
        output: values.map((name) => create(ValueInfoProtoSchema, { name })),
      },
    });
  }
}

function read(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    throw new OnnxError({ code: 'refused-file', message: `this is not an ONNX file: ${why}` });
  }
}

/** Who makes and who uses the values of a graph, at one moment. */
export class GraphIndex {
  readonly #producers = new Map<string, NodeProto>();
  readonly #consumers = new Map<string, NodeProto[]>();
  readonly #constants = new Map<string, TensorProto>();
  readonly #outputs: ReadonlySet<string>;

  constructor(graph: EditableGraph) {
    for (const tensor of graph.constants) this.#constants.set(tensor.name, tensor);
    for (const node of graph.nodes) {
      for (const value of node.output) this.#producers.set(value, node);
      for (const value of new Set(node.input)) {
        const consumers = this.#consumers.get(value);
        if (consumers) consumers.push(node);
        else this.#consumers.set(value, [node]);
      }
    }
    this.#outputs = new Set(graph.outputs);
  }

  producer(value: string): NodeProto | undefined {
    return this.#producers.get(value);
  }

  consumers(value: string): readonly NodeProto[] {
    return this.#consumers.get(value) ?? [];
  }

  constant(value: string | undefined): TensorProto | undefined {
    return value === undefined ? undefined : this.#constants.get(value);
  }

  isOutput(value: string): boolean {
    return this.#outputs.has(value);
  }

  /** The node that alone uses the value; undefined when there are more, or when the graph gives the value to the outside. */
  onlyConsumer(value: string): NodeProto | undefined {
    const consumers = this.consumers(value);
    return consumers.length === 1 && !this.isOutput(value) ? consumers[0] : undefined;
  }
}

/** A constant of float32. @throws OnnxError when it is of another type */
export function floatsOf(tensor: TensorProto): Float32Array {
  if (tensor.dataType !== DataType.FLOAT)
    throw new OnnxError({ code: 'unsuitable-model', message: `the constant ${tensor.name} is not float32` });
  if (tensor.rawData.length === 0) return Float32Array.from(tensor.floatData);
  return new Float32Array(new Uint8Array(tensor.rawData).buffer);
}

/** A constant of int64, as shapes and axes are given. */
export function integersOf(tensor: TensorProto): number[] {
  if (tensor.dataType !== DataType.INT64) return [];
  if (tensor.rawData.length === 0) return tensor.int64Data.map(Number);
  return Array.from(new BigInt64Array(new Uint8Array(tensor.rawData).buffer), Number);
}

export const shapeOf = (tensor: TensorProto): number[] => tensor.dims.map(Number);

export const isFloat = (tensor: TensorProto | undefined): tensor is TensorProto => tensor?.dataType === DataType.FLOAT;

const attributeOf = (node: NodeProto, name: string): AttributeProto | undefined =>
  node.attribute.find((attribute) => attribute.name === name);

export const intAttribute = (node: NodeProto, name: string, fallback: number): number => {
  const attribute = attributeOf(node, name);
  return attribute ? Number(attribute.i) : fallback;
};

export const floatAttribute = (node: NodeProto, name: string, fallback: number): number =>
  attributeOf(node, name)?.f ?? fallback;

export const intsAttribute = (node: NodeProto, name: string): number[] | undefined =>
  attributeOf(node, name)?.ints.map(Number);

export const stringAttribute = (node: NodeProto, name: string, fallback: string): string => {
  const attribute = attributeOf(node, name);
  return attribute ? new TextDecoder().decode(attribute.s) : fallback;
};

export const int = (name: string, value: number): AttributeProto =>
  create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
