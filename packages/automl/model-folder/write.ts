import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Tensor, writeSafetensors } from '@fovea/torch';
import packageJson from '../package.json' with { type: 'json' };
import {
  FILES,
  FORMAT_VERSION,
  type InferenceSettings,
  type LoaderMetadata,
  MLFLOW_TASKS,
  type ModelInput,
  type ModelTask,
  type WeightsOrigin,
} from './layout.ts';
import { mlflowFiles } from './mlflow-files.ts';

export interface ModelContents {
  task: ModelTask;
  /** As job files call it, e.g. `resnet18`. */
  modelName: string;
  /** Class names; the index is the class's place in the output. */
  labels: readonly string[];
  input: ModelInput;
  settings: InferenceSettings;
  /** The state dict. */
  weights: ReadonlyMap<string, Tensor>;
  /** The verified ONNX file. */
  onnx: Uint8Array;
  /** How it was trained, for people: job, trial, epoch, metrics … */
  training: Readonly<Record<string, unknown>>;
  weightsOrigin: WeightsOrigin;
}

/**
 * Writes a model folder in the shape of an MLflow model, with all that fovea needs to load it. The folder appears whole or not at all:
 * it is written under a temporary name beside its place and renamed; one that was there before is replaced.
 *
 * @throws CheckpointError or the system's error when it cannot be written; nothing is left behind then
 */
export async function writeModelFolder(folder: string, contents: ModelContents): Promise<void> {
  const parent = dirname(folder);
  const suffix = randomBytes(6).toString('hex');
  const temporary = join(parent, `.${basename(folder)}.${suffix}.tmp`);
  const replaced = join(parent, `.${basename(folder)}.${suffix}.old`);
  await mkdir(join(temporary, 'artifacts'), { recursive: true });
  try {
    await writeFiles(temporary, contents);
    await rename(folder, replaced).catch(ignoreMissing);
    await rename(temporary, folder);
  } catch (error) {
    await rename(replaced, folder).catch(ignoreMissing);
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  await rm(replaced, { recursive: true, force: true });
}

async function writeFiles(folder: string, contents: ModelContents): Promise<void> {
  const { task, modelName, labels, input, settings, weights, onnx, training, weightsOrigin } = contents;
  const created = new Date();
  const write = (path: string, data: string | Uint8Array) => writeFile(join(folder, path), data, { flush: true });

  await writeSafetensors(join(folder, FILES.weights), weights, { format: 'pt', model_name: modelName });
  await write(FILES.onnx, onnx);
  await write(FILES.labels, json(labels));
  await write(FILES.settings, json({ ...settings, model_name: modelName, task_type: MLFLOW_TASKS[task] }));
  for (const [path, text] of Object.entries(mlflowFiles({ task, modelName, created }))) await write(path, text);

  const files: LoaderMetadata['files'] = {};
  for (const path of [FILES.weights, FILES.onnx, FILES.labels]) files[path] = await fingerprint(join(folder, path));
  const metadata: LoaderMetadata = {
    format_version: FORMAT_VERSION,
    fovea_version: packageJson.version,
    created: created.toISOString(),
    task,
    model_name: modelName,
    input,
    settings,
    files,
    training,
    weights_origin: weightsOrigin,
  };
  await write(FILES.loader, json(metadata));
}

/** Writes `labels.json` and `model.onnx` into a trial's `train_artifacts` folder, where Azure's tools look for them. */
export async function writeTrainArtifacts(
  folder: string,
  { labels, onnx }: { labels: readonly string[]; onnx: Uint8Array },
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'labels.json'), json(labels));
  await writeFile(join(folder, 'model.onnx'), onnx);
}

async function fingerprint(path: string): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return { sha256: hash.digest('hex'), bytes: (await stat(path)).size };
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
