import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Port } from './encode.ts';
import {
  type AttributeProto,
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from './onnx.gen.ts';
import { OnnxError } from './onnx-error.ts';

/** What an ONNX file says about itself. */
export interface OnnxSummary {
  opset: number;
  inputs: readonly Port[];
  outputs: readonly Port[];
  metadata: Readonly<Record<string, string>>;
}

/** No picture and no network of ours comes near these; a file beyond them is broken or meant to exhaust the machine. */
const MAX_SIDE = 2 ** 14;
const MAX_ELEMENTS = 2 ** 28;
const MAX_NODES = 100_000;

const BYTES_PER_ELEMENT: Record<number, number> = {
  [DataType.FLOAT]: 4,
  [DataType.UINT8]: 1,
  [DataType.INT8]: 1,
  [DataType.UINT16]: 2,
  [DataType.INT16]: 2,
  [DataType.INT32]: 4,
  [DataType.INT64]: 8,
  [DataType.BOOL]: 1,
  [DataType.FLOAT16]: 2,
  [DataType.DOUBLE]: 8,
  [DataType.UINT32]: 4,
  [DataType.UINT64]: 8,
  [DataType.BFLOAT16]: 2,
};

/** Operators that make something larger, and the input that says how large. */
const GROWING: Record<string, number> = { Expand: 1, Tile: 1, ConstantOfShape: 0, Pad: 1, Resize: 3, Upsample: 1 };

/**
 * Looks at an ONNX file before any runtime sees it. Refused are files that would read other files (external data), need code that is
 * not ONNX's own (custom operators, functions), loop (control flow), or whose tensors are not what their shapes say or are absurdly
 * large.
 *
 * @param file its name, for errors
 * @throws OnnxError with code `refused-file`
 */
export function inspectOnnx(bytes: Uint8Array, file: string): OnnxSummary {
  const { graph, ...model } = parse(bytes, file);
  const refuse = (why: string): never => {
    throw refused(file, why);
  };
  if (!graph) return refuse('it holds no graph');
  if (model.functions.length > 0) refuse('it defines functions of its own');
  if (model.trainingInfo.length > 0) refuse('it holds training graphs');
  for (const { domain } of model.opsetImport)
    if (!isStandard(domain)) refuse(`it needs custom operators (${quote(domain)})`);
  if (graph.node.length > MAX_NODES) refuse(`it has ${graph.node.length} nodes`);
  if (graph.sparseInitializer.length > 0) refuse('it holds sparse tensors');

  const constants = new Map<string, TensorProto>();
  for (const tensor of graph.initializer) {
    checkTensor(tensor, refuse);
    constants.set(tensor.name, tensor);
  }
  for (const node of graph.node) checkNode(node, constants, refuse);

  const ports = (list: readonly ValueInfoProto[]) => list.map((value) => readPort(value, refuse));
  return {
    opset: Number(model.opsetImport.find(({ domain }) => isStandard(domain))?.version ?? 0n),
    // Old files list their weights among the inputs.
    inputs: ports(graph.input.filter(({ name }) => !constants.has(name))),
    outputs: ports(graph.output),
    metadata: Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value])),
  };
}

/**
 * The same graph for images of another size. Right only where the graph does not depend on the size (`IMAGE_SIZE_KEY`).
 */
export function withImageSize(bytes: Uint8Array, height: number, width: number): Uint8Array {
  const model = parse(bytes, 'the ONNX file');
  for (const value of model.graph?.input ?? []) {
    if (value.type?.value.case !== 'tensorType') continue;
    const dims = value.type.value.value.shape?.dim ?? [];
    if (dims.length !== 4) continue;
    dims[2].value = { case: 'dimValue', value: BigInt(height) };
    dims[3].value = { case: 'dimValue', value: BigInt(width) };
  }
  return toBinary(ModelProtoSchema, model);
}

/**
 * The same graph with other values of the numbers that stand in it under names of their own.
 *
 * @throws OnnxError for a name that is none of these
 */
export function withSettings(bytes: Uint8Array, settings: Readonly<Record<string, number>>): Uint8Array {
  const model = parse(bytes, 'the ONNX file');
  let changed = false;
  for (const [name, value] of Object.entries(settings)) {
    const tensor = model.graph?.initializer.find((initializer) => initializer.name === name);
    if (tensor?.dims.length !== 1 || tensor.dims[0] !== 1n) throw refused('the ONNX file', `it has no setting ${name}`);
    const data = tensor.dataType === DataType.INT64 ? BigInt64Array.of(BigInt(value)) : Float32Array.of(value);
    const written = new Uint8Array(data.buffer);
    if (Buffer.compare(written, tensor.rawData) === 0) continue;
    tensor.rawData = written;
    changed = true;
  }
  return changed ? toBinary(ModelProtoSchema, model) : bytes;
}

function parse(bytes: Uint8Array, file: string): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    throw refused(file, `it is not an ONNX file (${error instanceof Error ? error.message : error})`);
  }
}

const isStandard = (domain: string) => domain === '' || domain === 'ai.onnx';
const quote = (text: string) => JSON.stringify(text.slice(0, 80));

function checkTensor(tensor: TensorProto, refuse: (why: string) => never): void {
  const name = quote(tensor.name);
  if (tensor.dataLocation === DataLocation.EXTERNAL || tensor.externalData.length > 0) {
    refuse(`the tensor ${name} lies in another file (external data)`);
  }
  const size = BYTES_PER_ELEMENT[tensor.dataType];
  if (size === undefined) refuse(`the tensor ${name} has the type ${tensor.dataType}, which is not numbers`);
  const count = elements(tensor.dims.map(Number), `the tensor ${name}`, refuse);
  const typed =
    tensor.floatData.length ||
    tensor.int32Data.length ||
    tensor.int64Data.length ||
    tensor.doubleData.length ||
    tensor.uint64Data.length;
  const present = tensor.rawData.length > 0 ? tensor.rawData.length / size : typed;
  if (present !== count) refuse(`the tensor ${name} should hold ${count} numbers and holds ${present}`);
}

function checkNode(node: NodeProto, constants: Map<string, TensorProto>, refuse: (why: string) => never): void {
  const name = `${quote(node.opType)}${node.name ? ` ${quote(node.name)}` : ''}`;
  if (!isStandard(node.domain)) refuse(`it needs the custom operator ${quote(`${node.domain}.${node.opType}`)}`);
  for (const attribute of node.attribute) {
    for (const tensor of tensorsOf(attribute)) checkTensor(tensor, refuse);
    if (subgraphsOf(attribute).length > 0) refuse(`it branches or loops (${name})`);
    if ([attribute.i, ...attribute.ints].some((value) => isAbsurd(attribute, value))) {
      refuse(`${name} has an absurd ${quote(attribute.name)}`);
    }
    if (node.opType === 'Constant' && attribute.t) constants.set(node.output[0], attribute.t);
  }
  const sizes = constants.get(node.input[GROWING[node.opType]] ?? '');
  if (sizes)
    elements(
      integers(sizes)
        .map(Math.abs)
        .filter((size) => size > 0),
      name,
      refuse,
    );
}

const tensorsOf = ({ t, tensors }: AttributeProto): TensorProto[] => (t ? [t, ...tensors] : tensors);
const subgraphsOf = ({ g, graphs }: AttributeProto): GraphProto[] => (g ? [g, ...graphs] : graphs);

/** Windows, strides, paddings and the like are counted in pixels. */
function isAbsurd(attribute: AttributeProto, value: bigint): boolean {
  if (!/^(kernel_shape|pads|strides|dilations|output_padding|output_shape)$/.test(attribute.name)) return false;
  return value > BigInt(MAX_SIDE) || value < -BigInt(MAX_SIDE);
}

/** Values of a list of int64, as shapes are given. */
function integers(tensor: TensorProto): number[] {
  if (tensor.dataType !== DataType.INT64) return [];
  if (tensor.rawData.length === 0) return tensor.int64Data.map(Number);
  const view = new DataView(tensor.rawData.buffer, tensor.rawData.byteOffset, tensor.rawData.byteLength);
  return Array.from({ length: tensor.rawData.length / 8 }, (_, i) => Number(view.getBigInt64(8 * i, true)));
}

function elements(shape: readonly number[], what: string, refuse: (why: string) => never): number {
  const count = shape.reduce((product, size) => product * size, 1);
  if (shape.some((size) => size < 0) || count > MAX_ELEMENTS)
    refuse(`${what} has the absurd shape [${shape.slice(0, 8).join(', ')}]`);
  return count;
}

function readPort(value: ValueInfoProto, refuse: (why: string) => never): Port {
  if (value.type?.value.case !== 'tensorType') return refuse(`${quote(value.name)} is not a tensor`);
  const shape = (value.type.value.value.shape?.dim ?? []).map((dim) =>
    dim.value.case === 'dimValue' ? Number(dim.value.value) : dim.value.case === 'dimParam' ? dim.value.value : '?',
  );
  const fixed = shape.filter((size) => typeof size === 'number');
  elements(fixed, quote(value.name), refuse);
  if (fixed.some((size) => size > MAX_SIDE)) refuse(`${quote(value.name)} has the absurd shape [${shape.join(', ')}]`);
  return { name: value.name, shape };
}

function refused(file: string, why: string): OnnxError {
  return new OnnxError({
    code: 'refused-file',
    message: `${file} was not loaded: ${why}`,
    hint: 'Export the model again with fovea, or use a self-contained ONNX file of standard operators',
  });
}
