import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { copyModelFolder, FILES, type ModelFolder, readModelFolder } from '@fovea/automl/model-folder';
import { type QuantisedModel, quantiseOnnx } from '@fovea/automl/quantise';
import type { ImageRecord, ObjectRecord } from '@fovea/data';
import { evaluate } from './evaluate.ts';
import { evaluateObjects } from './evaluate-objects.ts';
import { calibrationInputs } from './export-inputs.ts';
import { compareSpeed } from './export-speed.ts';
import { openModel } from './load-model.ts';

/** How a model was quantised, and what came of it. */
export interface Quantisation {
  /** How the ranges of activations were chosen. */
  readonly method: QuantisedModel['method'];
  readonly calibration_images: number;
  /** Layers with weights that are computed with integers, and that are left in float32. */
  readonly layers: QuantisedModel['layers'];
  /** Images that both forms were judged on. */
  readonly images: number;
  readonly primary_metric: string;
  readonly before: JudgedForm;
  readonly after: JudgedForm;
  /** Of the primary metric; above 0 where INT8 is worse. Null where it is not defined. */
  readonly loss: number | null;
}

/** One form of a model. */
export interface JudgedForm {
  readonly primary: number | null;
  readonly metrics: Readonly<Record<string, number | null>>;
  readonly bytes: number;
  /** Of the network for one image, on ONNX Runtime. */
  readonly milliseconds: number;
}

/** What is being done: INT8 calibrated, each form judged, their speeds compared. */
export type ExportStage = 'calibration' | 'float32' | 'int8' | 'speed';

interface QuantiseAndJudgeOptions {
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((stage: ExportStage, part: number) => void) | undefined;
}

/** An image of a classifier with its labels, of a detector with its objects. */
export type JudgedRecord = JudgedImage | JudgedObjects;
type JudgedImage = Pick<ImageRecord, 'file' | 'labels'>;
type JudgedObjects = Pick<ObjectRecord, 'file' | 'objects' | 'width' | 'height'>;

/** By what a model of a task is judged first. */
const PRIMARY = {
  image_classification: 'accuracy',
  image_classification_multilabel: 'iou',
  image_object_detection: 'mean_average_precision',
  image_instance_segmentation: 'mean_average_precision',
} as const;

/**
 * Makes the INT8 form of a model folder, as a folder of its own, and judges it beside the float form, both as they are served.
 *
 * @param output where the folder is written
 * @returns also the graph, with the settings of training
 */
export async function quantiseAndJudge(
  model: ModelFolder,
  output: string,
  records: readonly JudgedRecord[],
  { threads, signal, onProgress }: QuantiseAndJudgeOptions,
): Promise<{ onnx: Uint8Array; quantisation: Quantisation }> {
  if (records.length === 0) throw new RangeError('INT8 is calibrated with images, and there are none');
  const inputs = calibrationInputs(
    model,
    records.map(({ file }) => file),
  );
  const float = await readFile(join(model.folder, FILES.onnx));
  const {
    onnx,
    method,
    layers,
    inputs: calibrated,
  } = await quantiseOnnx(float, inputs, {
    ...{ threads, signal },
    onProgress: (part) => onProgress?.('calibration', part),
  });
  const how = { method, calibration_images: calibrated, layers };
  const judgedBy = (stage: ExportStage) => ({
    ...(threads !== undefined && { threads }),
    ...(signal && { signal }),
    onProgress: (done: number, total: number) => onProgress?.(stage, done / total),
  });
  const before = await judge(model.folder, records, judgedBy('float32'));
  await copyModelFolder(model.folder, output, { onnx, training: {} });
  const after = await judge(output, records, judgedBy('int8'));
  onProgress?.('speed', 0);
  const speed = await compareSpeed(model, await readModelFolder(output), inputs, { threads, signal });
  const primary = PRIMARY[model.task];
  const form = (metrics: JudgedForm['metrics'], bytes: number, milliseconds: number): JudgedForm => ({
    ...{ primary: metrics[primary] ?? null, metrics, bytes, milliseconds },
  });
  const quantisation: Quantisation = {
    ...how,
    images: before.images,
    primary_metric: primary,
    before: form(before.metrics, float.length, speed.before),
    after: form(after.metrics, onnx.length, speed.after),
    loss: difference(before.metrics[primary], after.metrics[primary]),
  };
  return { onnx, quantisation };
}

const difference = (before: number | null | undefined, after: number | null | undefined): number | null =>
  typeof before === 'number' && typeof after === 'number' ? before - after : null;

/** What a model folder says of images, judged by their labels. */
async function judge(
  folder: string,
  records: readonly JudgedRecord[],
  {
    threads,
    ...options
  }: { threads?: number; signal?: AbortSignal; onProgress: (done: number, total: number) => void },
): Promise<{ images: number; metrics: JudgedForm['metrics'] }> {
  const model = await openModel(folder, threads === undefined ? {} : { threads });
  try {
    if (model.task === 'image_object_detection' || model.task === 'image_instance_segmentation')
      return await evaluateObjects(model, records.filter(hasObjects), options);
    return await evaluate(
      model,
      records.filter((record): record is JudgedImage => !hasObjects(record)),
      options,
    );
  } finally {
    await model.close();
  }
}

const hasObjects = (record: JudgedRecord): record is JudgedObjects => 'objects' in record;
