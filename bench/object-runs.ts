// What the runs of detectors and of models of masks have in common: a set as it lies in the shared data, converted, trained on for a
// fixed time by a job, judged as served on the test images, and shown.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Conversion } from '@fovea/data';
import type { JobRecord } from '@fovea/platform';
import { answersSheet } from './answers-sheet.ts';
import { fovea } from './fovea-command.ts';
import { type Bench, median } from './side.ts';

const SHARED = process.env.FOVEA_SHARED ?? fileURLToPath(new URL('../../shared', import.meta.url));
const PICTURES = new URL('pictures/', import.meta.url);

/** @returns minutes for each run; FOVEA_BENCH_MINUTES=1 only tries whether all of this works */
export function runMinutes(usual: number): number {
  return Number(process.env.FOVEA_BENCH_MINUTES ?? usual);
}

/** Of all models: COCO's numbers, too; precision counts down to low scores; the budget of time ends training, and nothing before it. */
const COMMON = { validation_metric_type: 'coco_voc', box_score_threshold: 0.05, early_stopping: false };

/** A set of the shared data. */
export interface RunSet {
  readonly name: string;
  readonly format: 'voc' | 'masks';
  /** Class of objects that the format does not name. */
  readonly label?: string;
  /** What the converter may say of its annotations; anything else ends the bench. */
  readonly accepted: readonly string[];
  /** Whether its photographs may be handed on: others are drawn, and git ignores their sheets. */
  readonly mayShow: boolean;
}

export interface ObjectRun {
  readonly set: RunSet;
  /** Of the job and the files. */
  readonly name: string;
  /** Of the job's hyperparameters. */
  readonly settings: Readonly<Record<string, unknown>> & { readonly model_name: string };
  /** Sizes of images, in words. */
  readonly size: string;
  /** As many as fit into the minutes, for the learning rate falls to its end with them. */
  readonly epochs: number;
}

/** The table of the runs. */
export const RUN_COLUMNS = [
  ...['images', 'model', 'size', 'epochs', 'minutes', 'loss', 'validation mAP', 'AP', 'AP50', 'test mAP', 'images/s'],
];

export interface RunResults {
  readonly rows: string[][];
  /** Sentences on the sets. */
  readonly said: string[];
  /** Markdown with the sheets that may be shown. */
  readonly pictures: string[];
}

/**
 * @param minutes that each run may train
 * @param folder for all files, which the caller removes
 */
export async function objectRuns(
  bench: Bench,
  task: 'image_object_detection' | 'image_instance_segmentation',
  runs: readonly ObjectRun[],
  minutes: number,
  folder: string,
): Promise<RunResults> {
  const results: RunResults = { rows: [], said: [], pictures: [] };
  mkdirSync(PICTURES, { recursive: true });
  for (const run of runs) {
    const { set, name, settings, size } = run;
    bench.say(`runs: ${name}`);
    const data = join(folder, set.name);
    if (!existsSync(data)) results.said.push(await converted(set, data));
    const record = await trained(run, task, minutes, folder);
    const model = [settings.model_name, settings.model_size].filter(Boolean).join(' ');
    if (record.model === null) {
      const rest = Array(RUN_COLUMNS.length - 4).fill('–');
      results.rows.push([set.name, model, size, `none: ${record.error}`, ...rest]);
      continue;
    }
    const test = join(data, 'test');
    const judged = await fovea<{ metrics: Record<string, number> }>(folder, ['evaluate', record.name, test]);
    results.rows.push([set.name, model, size, ...figures(record, judged.metrics.mean_average_precision)]);
    const sheet = `${name}.webp`;
    writeFileSync(new URL(sheet, PICTURES), await answersSheet(record.model, test));
    if (set.mayShow) results.pictures.push(`**${set.name}, ${model}**\n\n![${set.name}](pictures/${sheet})`);
  }
  return results;
}

/** Runs the job until it or its time ends. @returns its record */
async function trained(
  { set, name, settings, epochs }: ObjectRun,
  task: Parameters<typeof objectRuns>[1],
  minutes: number,
  folder: string,
): Promise<JobRecord> {
  const job = {
    type: 'automl',
    task,
    name: name.replaceAll('-', '_'),
    target_column_name: 'label',
    primary_metric: 'mean_average_precision',
    training_data: { path: `${set.name}/train`, type: 'mltable' },
    validation_data: { path: `${set.name}/validation`, type: 'mltable' },
    limits: { timeout_minutes: minutes, max_trials: 1 },
    training_parameters: { ...COMMON, ...settings, number_of_epochs: epochs },
  };
  const file = join(folder, `${job.name}.yml`);
  writeFileSync(file, JSON.stringify(job, null, 2));
  const words = ['job', 'create', '--file', file, '--weights', 'none', '--stream'];
  return fovea<JobRecord>(folder, words, { mayEndWith: [1] });
}

function figures(record: JobRecord, test: number | null): string[] {
  const [{ epochs, metrics, best_epoch, hyperparameters }] = record.trials;
  const [first, last] = [epochs[0].metrics, epochs[epochs.length - 1].metrics];
  const minutes = (Date.parse(record.end_time ?? '') - Date.parse(record.start_time ?? '')) / 60_000;
  const share = (value: number | null | undefined) => (typeof value === 'number' ? value.toFixed(3) : '–');
  return [
    `${epochs.length} of ${hyperparameters.number_of_epochs} (best ${best_epoch})`,
    minutes.toFixed(1),
    `${first.train_loss.toFixed(3)} → ${last.train_loss.toFixed(3)}`,
    ...[metrics.mean_average_precision, metrics.coco_AP, metrics.coco_AP50, test].map(share),
    median(epochs.map((epoch) => epoch.metrics.images_per_second)).toFixed(1),
  ];
}

/** From the set's own format, and a table that says what each image is for, to what jobs train on. @returns what is to be said of it */
async function converted({ name, format, label, accepted }: RunSet, output: string): Promise<string> {
  const folder = join(output, '..');
  const source = unpacked(name, folder);
  const splits = join(SHARED, 'data', name, 'splits.csv');
  const words = ['data', 'convert', source, output, '--from', format];
  // A table of masks says which picture is whose, too.
  if (format === 'masks') copyFileSync(splits, join(source, 'splits.csv'));
  else words.push('--splits', splits);
  if (label !== undefined) words.push('--label', label);
  const { images, objects, classes, parts, issues } = await fovea<Conversion>(folder, words);
  const other = issues.find(({ code }) => !accepted.includes(code));
  if (other) throw new Error(`${other.file}:${other.line}: ${other.message}`);
  const left = issues.map(({ file, line, message }) => `${file.slice(source.length + 1)}:${line} ${message}`);
  const formats = { voc: 'Pascal VOC', masks: 'pictures of masks' };
  const kinds = `${classes.length} ${classes.length === 1 ? 'class' : 'classes'}`;
  const split = `train ${parts?.train}, validation ${parts?.validation}, test ${parts?.test}`;
  return [
    `${name}: ${images} images, ${objects.toLocaleString('en')} objects of ${kinds} (${split}), from ${formats[format]}`,
    ...(left.length > 0 ? [`Reported, and left out by choice: ${left.join('; ')}`] : []),
  ].join('. ');
}

/** A folder with the set's files. */
export function unpacked(set: string, folder: string): string {
  const source = join(SHARED, 'data', set);
  if (!existsSync(source)) throw new Error(`${set} is not here; FOVEA_SHARED names the folder with data/${set}`);
  const target = join(folder, `${set}-source`);
  mkdirSync(target);
  for (const tar of ['data.tar', 'images.tar'].map((name) => join(source, name)))
    if (existsSync(tar)) execFileSync('tar', ['-xf', tar, '-C', target]);
  execFileSync('sh', ['-c', 'cp "$1"/*.json "$2" 2> /dev/null || true', 'sh', source, target]);
  return target;
}
