import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { DType } from '@fovea/torch';
import { type Attribute, DATA_TYPES, type Initializer, type Node, type Value } from './graph.ts';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './onnx.gen.ts';
import { OnnxError } from './onnx-error.ts';

/** A named input or output; a string is a size that is open, by its name. */
export interface Port {
  name: Value;
  shape: readonly (number | string)[];
  /** Default: float32. */
  dtype?: DType;
}

export interface ModelParts {
  nodes: readonly Node[];
  initializers: readonly Initializer[];
  input: Port;
  outputs: readonly Port[];
  opset: number;
  producer: { name: string; version: string };
  metadata: Readonly<Record<string, string>>;
}

/** IR version 8 belongs to opset 15–18; readers of older runtimes refuse higher ones, so the lowest that fits is written. */
const irVersion = (opset: number) => (opset <= 18 ? 8 : opset <= 20 ? 9 : 10);

const MAX_PROTOBUF_BYTES = 2 ** 31 - 1;

// Field numbers of onnx.proto, for the parts that are joined by hand.
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const TENSOR_RAW_DATA = 9;

/**
 * An ONNX file. Weights are copied once, straight into the result: a protobuf message may be written as the pieces of its fields, so
 * only what is small goes through the message classes.
 *
 * @throws OnnxError when it would exceed protobuf's limit of 2 GiB
 */
export function encodeModel(parts: ModelParts): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (const initializer of parts.initializers) {
    const bytes = initializer.bytes();
    const header = toBinary(
      TensorProtoSchema,
      create(TensorProtoSchema, {
        name: initializer.name,
        dataType: initializer.dataType,
        dims: initializer.shape.map(BigInt),
      }),
    );
    const data = lengthDelimited(TENSOR_RAW_DATA, bytes.length);
    pieces.push(lengthDelimited(GRAPH_INITIALIZER, header.length + data.length + bytes.length), header, data, bytes);
  }
  pieces.unshift(
    toBinary(
      GraphProtoSchema,
      create(GraphProtoSchema, {
        name: 'main',
        node: parts.nodes.map(encodeNode),
        input: [encodePort(parts.input)],
        output: parts.outputs.map(encodePort),
      }),
    ),
  );
  const graphLength = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const head = toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: BigInt(irVersion(parts.opset)),
      producerName: parts.producer.name,
      producerVersion: parts.producer.version,
      opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(parts.opset) })],
      metadataProps: Object.entries(parts.metadata).map(([key, value]) =>
        create(StringStringEntryProtoSchema, { key, value }),
      ),
    }),
  );
  return join([head, lengthDelimited(MODEL_GRAPH, graphLength), ...pieces]);
}

/** Tag and length of a field; its content follows. */
function lengthDelimited(field: number, length: number): Uint8Array {
  requireBelowLimit(length);
  return new BinaryWriter().tag(field, WireType.LengthDelimited).uint32(length).finish();
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  requireBelowLimit(length);
  const whole = new Uint8Array(length);
  let position = 0;
  for (const piece of pieces) {
    whole.set(piece, position);
    position += piece.length;
  }
  return whole;
}

function requireBelowLimit(length: number): void {
  if (length <= MAX_PROTOBUF_BYTES) return;
  throw new OnnxError({
    code: 'too-large',
    message: `the ONNX file would have ${(length / 2 ** 30).toFixed(1)} GiB, and an ONNX file (protobuf) ends at 2 GiB`,
    hint: 'Choose a smaller model',
  });
}

function encodeNode(node: Node) {
  return create(NodeProtoSchema, {
    name: node.name,
    opType: node.type,
    input: node.inputs,
    output: node.outputs,
    attribute: Object.entries(node.attributes).map(([name, value]) => encodeAttribute(name, value)),
  });
}

function encodeAttribute(name: string, value: Attribute): AttributeProto {
  if ('int' in value) return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value.int) });
  if ('ints' in value)
    return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.ints.map(BigInt) });
  if ('float' in value) return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: new TextEncoder().encode(value.string) });
}

function encodePort({ name, shape, dtype = 'float32' }: Port): ValueInfoProto {
  const dim = shape.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value: typeof size === 'number' ? { case: 'dimValue', value: BigInt(size) } : { case: 'dimParam', value: size },
    }),
  );
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType: DATA_TYPES[dtype], shape: { dim } } } },
  });
}
