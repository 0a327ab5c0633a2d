import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import {
  copyModelFolder,
  FILES,
  MASK_SETTINGS,
  type ModelFolder,
  readModelFolder,
  requireModelPlace,
  withSettings,
} from '@fovea/automl/model-folder';
import { replaceFile } from '@fovea/automl/runs';
import { aboutModel, type ExportedAbout } from './export-about.ts';
import { type ExportStage, type JudgedRecord, type Quantisation, quantiseAndJudge } from './export-int8.ts';

/** A model that was exported. */
export interface ExportedModel {
  /** The ONNX file; in a model folder that of the folder. */
  readonly file: string;
  /** What a program must know to use it, as JSON; null in a model folder, where `fovea.json` and `settings.json` say it. */
  readonly about_file: string | null;
  /** The model folder, where one was written. */
  readonly folder: string | null;
  readonly bytes: number;
  readonly sha256: string;
  readonly about: ExportedAbout;
  /** What INT8 changed; null for a copy in float32. */
  readonly quantisation: Quantisation | null;
}

export interface ExportOptions {
  /** A file that ends in `.onnx`, beside which a `.json` is written; or a model folder. What was exported there before is replaced. */
  readonly output: string;
  /** For INT8: labelled images, by some of which it is calibrated, and by all of which both forms are judged. */
  readonly int8?: { readonly records: readonly JudgedRecord[] };
  readonly threads?: number;
  readonly signal?: AbortSignal;
  /** Part of a stage that is done, 0 … 1. */
  readonly onProgress?: (stage: ExportStage, part: number) => void;
}

/**
 * Exports the checked ONNX file of a model folder: as it is, or with `int8` in a static INT8 form, which is calibrated and judged on the
 * images given. The file has the settings of `settings.json` in it; a model folder can be served like the one it was made of, weights
 * for explanations and further training included.
 *
 * @throws ModelFolderError or OnnxError when the folder is not in order or something else is in the place of the output; RangeError for
 * `int8` without images, or when none can be read
 */
export async function exportModel(folder: string, options: ExportOptions): Promise<ExportedModel> {
  const output = resolve(options.output);
  const isFile = extname(output).toLowerCase() === '.onnx';
  const model = await readModelFolder(folder);
  await mkdir(dirname(output), { recursive: true });
  if (!isFile) await requireModelPlace(folder, output);
  if (!options.int8) {
    if (isFile) return writeFiles(output, model, null);
    await copyModelFolder(folder, output);
    return exportedFolder(output, null);
  }
  const tried = join(dirname(output), `.${basename(output)}.${randomBytes(6).toString('hex')}`);
  try {
    const { onnx, quantisation } = await quantiseAndJudge(model, tried, options.int8.records, options);
    if (isFile) return await writeFiles(output, await readModelFolder(tried), quantisation);
    await copyModelFolder(folder, output, { onnx, training: { quantisation } });
    return await exportedFolder(output, quantisation);
  } finally {
    await rm(tried, { recursive: true, force: true });
  }
}

/** The graph as other programs are to have it: with the settings in force, and masks as large as the image. */
function graphFor(model: ModelFolder): Uint8Array {
  const { task, onnx } = model;
  return task === 'image_instance_segmentation' ? withSettings(onnx, { [MASK_SETTINGS.paste]: 1 }) : onnx;
}

async function writeFiles(
  output: string,
  model: ModelFolder,
  quantisation: Quantisation | null,
): Promise<ExportedModel> {
  const onnx = graphFor(model);
  const about = aboutModel(model, onnx, precisionOf(model, quantisation));
  const aboutFile = output.replace(/\.onnx$/i, '.json');
  const print = fingerprint(onnx);
  await replaceFile(
    aboutFile,
    `${JSON.stringify({ file: basename(output), ...print, ...about, quantisation }, null, 2)}\n`,
  );
  await replaceFile(output, onnx);
  return { file: output, about_file: aboutFile, folder: null, ...print, about, quantisation };
}

async function exportedFolder(folder: string, quantisation: Quantisation | null): Promise<ExportedModel> {
  const model = await readModelFolder(folder);
  const file = join(folder, FILES.onnx);
  const bytes = await readFile(file);
  const about = aboutModel(model, graphFor(model), precisionOf(model, quantisation));
  return { file, about_file: null, folder, ...fingerprint(bytes), about, quantisation };
}

/** A copy may be one of a model that is INT8 already. */
const precisionOf = ({ training }: ModelFolder, made: Quantisation | null): ExportedAbout['precision'] =>
  made !== null || 'quantisation' in training ? 'int8' : 'float32';

const fingerprint = (bytes: Uint8Array) => ({
  bytes: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
});
