import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JobRecord } from '@fovea/automl';
import type { Conversion } from '@fovea/data';
import { answersSheet } from './answers-sheet.ts';
import { cocoRoundTrip } from './coco-round-trip.ts';
import { fovea } from './fovea-command.ts';
import type { Section } from './results.ts';
import { type Bench, median } from './side.ts';

const SHARED = process.env.FOVEA_SHARED ?? fileURLToPath(new URL('../../shared', import.meta.url));
const PICTURES = new URL('pictures/', import.meta.url);

/** Minutes that each run may train; FOVEA_BENCH_MINUTES=1 only tries whether all of this works. */
const MINUTES = Number(process.env.FOVEA_BENCH_MINUTES ?? 12);

/** Of all models: COCO's numbers, too; precision counts down to low scores; the budget of time ends training, and nothing before it. */
const COMMON = { validation_metric_type: 'coco_voc', box_score_threshold: 0.05, early_stopping: false };

const MODELS = {
  yolov5: { model_name: 'yolov5', model_size: 'small', image_size: 320, training_batch_size: 8, learning_rate: 0.01 },
  fasterrcnn: {
    ...{ model_name: 'fasterrcnn_resnet18_fpn', min_size: 240, max_size: 320 },
    ...{ training_batch_size: 4, learning_rate: 0.01 },
  },
} as const;

interface Run {
  set: keyof typeof SETS;
  model: keyof typeof MODELS;
  /** As many as fit into the minutes, for the learning rate falls to its end with them. */
  epochs: number;
}

const RUNS: readonly Run[] = [
  { set: 'raccoon', model: 'yolov5', epochs: 36 },
  { set: 'raccoon', model: 'fasterrcnn', epochs: 10 },
  { set: 'bccd', model: 'yolov5', epochs: 20 },
  { set: 'bccd', model: 'fasterrcnn', epochs: 6 },
];

/** What the converter may say of a set's annotations; anything else ends the bench. */
const SETS = {
  raccoon: { accepted: [] },
  bccd: { accepted: ['box-without-area'] },
} as const satisfies Record<string, { accepted: readonly string[] }>;

const ABOUT_PICTURES = [
  'Test images: what is annotated, and to its right what the model answers with a score of at least 0.3. The photographs are those of',
  'github.com/datitran/raccoon_dataset and github.com/Shenggan/BCCD_Dataset, both under the MIT License; the former were found by',
  'searching the web, so that the rights in the photographs themselves are not cleared: they are shown for research.',
].join('\n');

/** Detection jobs on real sets as a user has them, in a fixed time and from random weights, judged as served on the test images. */
export async function detectionRuns(bench: Bench): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-bench-'));
  const rows: string[][] = [];
  const pictures: string[] = [];
  const said: string[] = [];
  mkdirSync(PICTURES, { recursive: true });
  try {
    for (const run of RUNS) {
      bench.say(`detection runs: ${run.set}, ${run.model}`);
      const data = join(folder, run.set);
      if (!existsSync(data)) said.push(await converted(run.set, data));
      const record = await trained(run, data);
      if (record.model === null) {
        rows.push([...about(run), `none: ${record.error}`, ...Array(7).fill('–')]);
        continue;
      }
      const test = join(data, 'test');
      const judged = await fovea<{ metrics: Record<string, number> }>(folder, ['evaluate', record.name, test]);
      rows.push([...about(run), ...figures(record, judged.metrics.mean_average_precision)]);
      const name = `${run.set}-${run.model}.webp`;
      writeFileSync(new URL(name, PICTURES), await answersSheet(record.model, test));
      pictures.push(`**${run.set}, ${record.trials[0].model_name}**\n\n![${run.set}](pictures/${name})`);
    }
    bench.say('detection runs: coco200');
    said.push(await cocoRoundTrip(unpacked('coco200', folder)));
  } finally {
    rmSync(folder, { recursive: true });
  }
  return {
    title: 'Detection runs',
    text: [
      `\`fovea data convert\`, \`fovea job create\` with ${MINUTES} min for each run, and \`fovea evaluate\` on the test images. All weights`,
      'begin random: no published ones are used, so these figures say what some minutes on this machine reach, not what the architectures',
      'can. Loss: of the first and the last epoch. mAP is at an overlap of 0.5, AP is COCO’s over overlaps from 0.5 to 0.95; all count',
      'answers down to a score of 0.05. Images/s: training alone.\n',
      ...said.map((line) => `* ${line}`),
      '',
    ].join('\n'),
    columns: [
      ...[
        'images',
        'model',
        'size',
        'epochs',
        'minutes',
        'loss',
        'validation mAP',
        'AP',
        'AP50',
        'test mAP',
        'images/s',
      ],
    ],
    rows,
    after: [ABOUT_PICTURES, ...pictures].join('\n\n'),
  };
}

/** Runs the job until it or its time ends. @returns its record */
async function trained({ set, model, epochs }: Run, data: string): Promise<JobRecord> {
  const folder = join(data, '..');
  const job = {
    type: 'automl',
    task: 'image_object_detection',
    name: `${set}_${model}`,
    target_column_name: 'label',
    primary_metric: 'mean_average_precision',
    training_data: { path: `${set}/train`, type: 'mltable' },
    validation_data: { path: `${set}/validation`, type: 'mltable' },
    limits: { timeout_minutes: MINUTES, max_trials: 1 },
    training_parameters: { ...COMMON, ...MODELS[model], number_of_epochs: epochs },
  };
  const file = join(folder, `${job.name}.yml`);
  writeFileSync(file, JSON.stringify(job, null, 2));
  const words = ['job', 'create', '--file', file, '--weights', 'none'];
  return fovea<JobRecord>(folder, words, { mayEndWith: [1] });
}

function about({ set, model }: Run): string[] {
  const settings = MODELS[model];
  return 'image_size' in settings
    ? [set, `${settings.model_name} ${settings.model_size}`, `${settings.image_size}`]
    : [set, settings.model_name, `${settings.min_size} to ${settings.max_size}`];
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

/** From Pascal VOC and a table that says what each image is for, to what jobs train on. @returns what is to be said of it */
async function converted(set: keyof typeof SETS, output: string): Promise<string> {
  const source = unpacked(set, join(output, '..'));
  const splits = join(SHARED, 'data', set, 'splits.csv');
  const words = ['data', 'convert', source, output, '--from', 'voc', '--splits', splits];
  const { images, objects, classes, parts, issues } = await fovea<Conversion>(join(output, '..'), words);
  const accepted: readonly string[] = SETS[set].accepted;
  const other = issues.find(({ code }) => !accepted.includes(code));
  if (other) throw new Error(`${other.file}:${other.line}: ${other.message}`);
  const left = issues.map(({ file, line, message }) => `${file.slice(source.length + 1)}:${line} ${message}`);
  return [
    `${set}: ${images} images, ${objects.toLocaleString('en')} objects of ${classes.length} ${classes.length === 1 ? 'class' : 'classes'} (train ${parts?.train}, validation ${parts?.validation}, test ${parts?.test}), from Pascal VOC`,
    ...(left.length > 0 ? [`Reported, and left out by choice: ${left.join('; ')}`] : []),
  ].join('. ');
}

/** A folder with the set's files. */
function unpacked(set: string, folder: string): string {
  const source = join(SHARED, 'data', set);
  if (!existsSync(source)) throw new Error(`${set} is not here; FOVEA_SHARED names the folder with data/${set}`);
  const target = join(folder, `${set}-source`);
  mkdirSync(target);
  for (const tar of ['data.tar', 'images.tar'].map((name) => join(source, name)))
    if (existsSync(tar)) execFileSync('tar', ['-xf', tar, '-C', target]);
  execFileSync('sh', ['-c', 'cp "$1"/*.json "$2" 2> /dev/null || true', 'sh', source, target]);
  return target;
}
