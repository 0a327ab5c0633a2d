import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Tensor, writeSafetensors } from '@fovea/torch';
import packageJson from '../package.json' with { type: 'json' };
import { writeCheckpoint } from './checkpoint.ts';
import {
  type DetectionSettings,
  FILES,
  FINGERPRINTED,
  FORMAT_VERSION,
  type InferenceSettings,
  isDetectionTask,
  type LoaderMetadata,
  MLFLOW_TASKS,
  type ModelInput,
  type ModelTask,
  MULTILABEL_THRESHOLD,
  type WeightsOrigin,
} from './layout.ts';
import { linkOrCopy } from './link-or-copy.ts';
import { mlflowFiles } from './mlflow-files.ts';
import { pythonModel, scoringModule } from './scoring-script.ts';

export interface ModelContents {
  task: ModelTask;
  /** As job files call it, e.g. `resnet18`. */
  modelName: string;
  /** Class names; the index is the class's place in the output. */
  labels: readonly string[];
  input: ModelInput;
  settings: InferenceSettings | DetectionSettings;
  /** Of a detector: which of the graph's labels is the first class. Default 0. */
  firstLabel?: number;
  /** The state dict. */
  weights: ReadonlyMap<string, Tensor>;
  /** The verified ONNX file. */
  onnx: Uint8Array;
  /** How it was trained, for people: job, trial, epoch, metrics … */
  training: Readonly<Record<string, unknown>>;
  weightsOrigin: WeightsOrigin;
  /** Files that hold the same already; they get a second name instead of being written again. */
  stored?: {
    /** Safetensors. */
    weights?: string;
    /** As `writeCheckpoint` writes it. */
    checkpoint?: string;
    onnx?: string;
  };
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
  for (const path of Object.values(FILES)) await mkdir(dirname(join(temporary, path)), { recursive: true });
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
  const { task, modelName, labels, input, settings, weights, onnx, training, weightsOrigin, stored = {} } = contents;
  const created = new Date();
  const write = (path: string, data: string | Uint8Array) => writeFile(join(folder, path), data, { flush: true });
  const place = (path: string, from: string | undefined, produce: () => Promise<void>) =>
    from === undefined ? produce() : linkOrCopy(from, join(folder, path));

  await place(FILES.weights, stored.weights, () =>
    writeSafetensors(join(folder, FILES.weights), weights, { format: 'pt', model_name: modelName }),
  );
  await place(FILES.checkpoint, stored.checkpoint, () => writeCheckpoint(join(folder, FILES.checkpoint), contents));
  await place(FILES.onnx, stored.onnx, () => write(FILES.onnx, onnx));
  await write(FILES.labels, json(labels));
  await write(FILES.settings, json({ ...settings, model_name: modelName, task_type: MLFLOW_TASKS[task] }));
  await write(FILES.pythonModel, pythonModel());
  await write(FILES.pythonCode, scoringModule(task));
  for (const [path, text] of Object.entries(mlflowFiles({ task, modelName, created }))) await write(path, text);

  const files: LoaderMetadata['files'] = {};
  for (const path of FINGERPRINTED) files[path] = await fingerprint(join(folder, path));
  const metadata: LoaderMetadata = {
    format_version: FORMAT_VERSION,
    fovea_version: packageJson.version,
    created: created.toISOString(),
    task,
    model_name: modelName,
    input,
    settings,
    ...(task === 'image_classification_multilabel' && { threshold: MULTILABEL_THRESHOLD }),
    ...(isDetectionTask(task) && { first_label: contents.firstLabel ?? 0 }),
    files,
    training,
    weights_origin: weightsOrigin,
  };
  await write(FILES.loader, json(metadata));
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
