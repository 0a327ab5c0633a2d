import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { IMAGE_SIZE_KEY } from '../onnx/image-size.ts';
import { inspectOnnx, withImageSize } from '../onnx/inspect.ts';
import { readDetectionSettings } from './detection-settings.ts';
import { checkDetectorGraph } from './detector-graph.ts';
import {
  type ClassificationTask,
  type DetectionSettings,
  FILES,
  FINGERPRINTED,
  FORMAT_VERSION,
  type InferenceSettings,
  isDetectionTask,
  type LoaderMetadata,
  type MaskDetectorSettings,
  MLFLOW_TASKS,
  type ModelInput,
  type ModelTask,
  MULTILABEL_THRESHOLD,
  type WeightsOrigin,
} from './layout.ts';
import { ModelFolderError } from './model-folder-error.ts';
import { readSettings } from './settings.ts';

/** A model folder that was read and checked. */
export type ModelFolder = ClassifierFolder | DetectorFolder | MaskDetectorFolder;

interface AnyFolder {
  folder: string;
  modelName: string;
  labels: readonly string[];
  input: ModelInput;
  /** Path of the safetensors file. */
  weights: string;
  training: Readonly<Record<string, unknown>>;
  weightsOrigin: WeightsOrigin;
}

export interface ClassifierFolder extends AnyFolder {
  task: ClassificationTask;
  /** In force, that is, as edited. */
  settings: InferenceSettings;
  /** Of a multi-label model: the probability from which on a label is present. */
  threshold: number | null;
  /** The checked graph, taking `input1` float32 [N, 3, valid_crop_size, valid_crop_size] and giving logits [N, labels]. */
  onnx: Uint8Array;
  inputName: string;
  outputName: string;
}

export interface DetectorFolder extends AnyDetectorFolder {
  task: 'image_object_detection';
  /** In force, that is, as edited. */
  settings: Exclude<DetectionSettings, MaskDetectorSettings>;
}

export interface MaskDetectorFolder extends AnyDetectorFolder {
  task: 'image_instance_segmentation';
  /** In force, that is, as edited. */
  settings: MaskDetectorSettings;
}

interface AnyDetectorFolder extends AnyFolder {
  threshold: null;
  /** The checked graph as `exportDetector` writes it, with the thresholds in force. */
  onnx: Uint8Array;
  inputName: string;
  /** Which of the graph's labels is the first class. */
  firstLabel: number;
}

/** No JSON file of a model folder comes near this. */
const MAX_JSON_BYTES = 16 * 2 ** 20;

/**
 * Reads a model folder. Checked are: that every file is there; that labels, graph and metadata are the ones that were written (SHA-256;
 * of the weights, which only training reads, the size, or with `checkWeights` the hash too, as of all files for Python); `settings.json`, which people may edit;
 * that labels and graph fit together; and that the graph is harmless (`inspectOnnx`).
 *
 * @throws ModelFolderError or OnnxError
 */
export async function readModelFolder(folder: string, { checkWeights = false } = {}): Promise<ModelFolder> {
  const metadata = checkMetadata(await readJson(join(folder, FILES.loader)), join(folder, FILES.loader));
  const settingsFile = join(folder, FILES.settings);
  const edited = await readJson(settingsFile);

  const labels = checkLabels(
    parseJson(await readChecked(folder, FILES.labels, metadata), join(folder, FILES.labels)),
    folder,
  );
  await checkSize(folder, FILES.weights, metadata);
  if (checkWeights) await checkHashes(folder, metadata);

  const bytes = await readChecked(folder, FILES.onnx, metadata);
  const onnxFile = join(folder, FILES.onnx);
  const common = {
    folder,
    modelName: metadata.model_name,
    labels,
    input: metadata.input,
    weights: join(folder, FILES.weights),
    training: metadata.training,
    weightsOrigin: metadata.weights_origin,
  };
  const { task } = metadata;
  if (isDetectionTask(task)) {
    const settings = readDetectionSettings(edited, metadata, settingsFile);
    const graph = checkDetectorGraph(bytes, labels, settings, onnxFile);
    const detector = { ...common, task, settings, threshold: null, firstLabel: metadata.first_label ?? 0, ...graph };
    return detector as DetectorFolder | MaskDetectorFolder;
  }
  const settings = readSettings(edited, metadata, settingsFile);
  return {
    ...common,
    task,
    settings,
    threshold: task === 'image_classification_multilabel' ? (metadata.threshold ?? MULTILABEL_THRESHOLD) : null,
    ...checkGraph(bytes, labels, settings, onnxFile),
  };
}

function checkGraph(
  bytes: Uint8Array,
  labels: readonly string[],
  { valid_crop_size: crop }: InferenceSettings,
  file: string,
) {
  const { inputs, outputs, metadata } = inspectOnnx(bytes, file);
  const fail = (message: string, hint?: string): never => {
    throw new ModelFolderError({ code: 'inconsistent', file, message, hint });
  };
  if (inputs.length !== 1 || outputs.length !== 1)
    fail(`a classifier has one input and one output, and this graph has ${inputs.length} and ${outputs.length}`);
  const [input] = inputs;
  const [output] = outputs;
  const [, channels, height, width] = input.shape;
  if (input.shape.length !== 4 || channels !== 3)
    fail(`the input should be [N, 3, H, W] and is [${input.shape.join(', ')}]`);
  const classes = output.shape.at(-1);
  if (output.shape.length !== 2 || classes !== labels.length) {
    fail(`there are ${labels.length} labels, and the graph's output is [${output.shape.join(', ')}]`);
  }
  const names = { inputName: input.name, outputName: output.name };
  if (height === crop && width === crop) return { onnx: bytes, ...names };
  if (metadata[IMAGE_SIZE_KEY] !== 'any') {
    fail(
      `this model takes images of ${width} × ${height} only`,
      `Set valid_crop_size back to ${height} in ${FILES.settings}`,
    );
  }
  return { onnx: withImageSize(bytes, crop, crop), ...names };
}

function checkMetadata(value: unknown, file: string): LoaderMetadata {
  const fail = (code: 'invalid-file' | 'unknown-format', message: string, hint?: string): never => {
    throw new ModelFolderError({ code, file, message, hint });
  };
  if (!isRecord(value)) return fail('invalid-file', 'it should be a JSON object');
  const version = value.format_version;
  if (typeof version !== 'number' || !(version >= 1)) fail('invalid-file', 'format_version is missing');
  if (Number(version) > FORMAT_VERSION) {
    fail(
      'unknown-format',
      `it has format_version ${version}, and this fovea reads up to ${FORMAT_VERSION}`,
      'Use a newer fovea',
    );
  }
  if (typeof value.task !== 'string' || !Object.hasOwn(MLFLOW_TASKS, value.task)) {
    fail('invalid-file', `task ${JSON.stringify(value.task)} is not one of ${Object.keys(MLFLOW_TASKS).join(', ')}`);
  }
  if (typeof value.model_name !== 'string') fail('invalid-file', 'model_name is missing');
  const { input, settings, files } = value;
  const isTriple = (list: unknown): boolean => Array.isArray(list) && list.length === 3 && list.every(Number.isFinite);
  if (!isRecord(input) || !isTriple(input.mean) || !isTriple(input.std) || (input.std as number[]).includes(0)) {
    fail('invalid-file', 'input.mean and input.std should be three numbers each, and std not 0');
  }
  const interpolation = isDetectionTask(value.task as ModelTask) ? 'linear' : 'bilinear';
  if (!isRecord(input) || input.interpolation !== interpolation)
    fail('invalid-file', `input.interpolation should be ${interpolation}`);
  const { first_label: first = 0 } = value;
  if (first !== 0 && first !== 1) fail('invalid-file', 'first_label should be 0 or 1');
  if (!isRecord(settings)) fail('invalid-file', 'settings are missing');
  const { threshold = MULTILABEL_THRESHOLD } = value;
  if (typeof threshold !== 'number' || !(threshold >= 0 && threshold <= 1))
    fail('invalid-file', 'threshold should be a number, 0 … 1');
  const isFingerprint = (entry: unknown) =>
    isRecord(entry) && typeof entry.sha256 === 'string' && typeof entry.bytes === 'number';
  if (!isRecord(files) || ![FILES.labels, FILES.onnx, FILES.weights].every((path) => isFingerprint(files[path]))) {
    fail('invalid-file', 'files should hold sha256 and bytes of labels, graph and weights');
  }
  return value as unknown as LoaderMetadata;
}

function checkLabels(value: unknown, folder: string): string[] {
  const isList = Array.isArray(value) && value.length > 0 && value.every((label) => typeof label === 'string');
  if (isList && new Set(value).size === value.length) return value;
  throw new ModelFolderError({
    code: 'invalid-file',
    file: join(folder, FILES.labels),
    message: 'it should be a JSON list of class names, each once',
  });
}

/** A file's bytes, when they are those that were written. */
async function readChecked(folder: string, path: string, metadata: LoaderMetadata): Promise<Uint8Array> {
  await checkSize(folder, path, metadata);
  const bytes = await readFile(join(folder, path));
  if (createHash('sha256').update(bytes).digest('hex') !== metadata.files[path].sha256)
    throw changed(join(folder, path));
  return bytes;
}

async function checkSize(folder: string, path: string, { files }: LoaderMetadata): Promise<void> {
  if ((await sizeOf(join(folder, path))) !== files[path].bytes) throw changed(join(folder, path));
}

/** Of the weights, and of the files for programs in Python that are there; fovea itself does without them. */
async function checkHashes(folder: string, metadata: LoaderMetadata): Promise<void> {
  for (const path of FINGERPRINTED) {
    const wanted = path === FILES.weights || (metadata.files[path] && existsSync(join(folder, path)));
    if (wanted) await checkHash(folder, path, metadata);
  }
}

async function checkHash(folder: string, path: string, { files }: LoaderMetadata): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(join(folder, path), { highWaterMark: 1 << 20 })) hash.update(chunk);
  if (hash.digest('hex') !== files[path].sha256) throw changed(join(folder, path));
}

async function readJson(file: string): Promise<unknown> {
  const size = await sizeOf(file);
  if (size > MAX_JSON_BYTES) {
    throw new ModelFolderError({
      code: 'invalid-file',
      file,
      message: `it has ${size} bytes, too many for what it should hold`,
    });
  }
  return parseJson(await readFile(file), file);
}

function parseJson(bytes: Uint8Array, file: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ModelFolderError({ code: 'invalid-file', file, message: `it is not JSON: ${reason}` });
  }
}

async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch(() => null);
  if (found?.isFile()) return found.size;
  throw new ModelFolderError({
    code: 'missing-file',
    file,
    message: 'the file is not there',
    hint: 'A model folder is what training leaves in outputs/mlflow-model; copy it whole',
  });
}

function changed(file: string): ModelFolderError {
  return new ModelFolderError({
    code: 'changed-file',
    file,
    message: 'it is not the file that was written with this model (size or SHA-256 differ)',
    hint: `Copy the folder again; only ${FILES.settings} may be edited`,
  });
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
