import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JobRecord } from '@fovea/platform';
import { fovea } from './fovea-command.ts';
import type { Section } from './results.ts';
import { type Bench, median } from './side.ts';

const SHARED = process.env.FOVEA_SHARED ?? fileURLToPath(new URL('../../shared', import.meta.url));

/** MobileNetV2's converted ImageNet checkpoint. */
export const PRETRAINED = join(SHARED, 'data/pretrained/mobilenet_v2_torchpad.pth');

interface Run {
  set: string;
  /** Words of `fovea train` after the folder. */
  options: readonly string[];
  /** A checkpoint, or `none`. */
  weights: string;
  metric: 'accuracy' | 'average_precision_score_macro';
  goal?: number;
}

const seed = (value: number) => ['--set', `random_seed=${value}`];
const small = ['training_crop_size=64', 'validation_crop_size=64', 'validation_resize_size=64'].flatMap((set) => [
  '--set',
  set,
]);

const RUNS: readonly Run[] = [
  ...[[], seed(1), seed(2)].map(
    (options): Run => ({ set: 'ants_bees', options, weights: PRETRAINED, metric: 'accuracy', goal: 0.93 }),
  ),
  ...[[], seed(1)].map(
    (options): Run => ({
      set: 'miml_scenes',
      options,
      weights: PRETRAINED,
      metric: 'average_precision_score_macro',
      goal: 0.9,
    }),
  ),
  { set: 'cifar10_2500', options: [], weights: PRETRAINED, metric: 'accuracy' },
  { set: 'cifar10_2500', options: ['--model', 'resnet18', ...small], weights: 'none', metric: 'accuracy' },
];

/** `fovea train` on real sets as a newcomer types it, judged by `fovea evaluate` on the test images that training never saw. */
export async function runs(bench: Bench): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-bench-'));
  const rows: string[][] = [];
  try {
    for (const run of RUNS) {
      const data = unpackedTable(run.set, folder);
      const words = ['train', data, '--name', `run${rows.length}`, ...run.options];
      words.push('--weights', run.weights);
      bench.say(`runs: ${run.set} ${run.options.join(' ')}`);
      const record = await fovea<JobRecord>(folder, words);
      const judged = await fovea<{ metrics: Record<string, number> }>(folder, ['evaluate', record.name, data]);
      rows.push(row(run, record, judged.metrics[run.metric]));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return {
    title: 'Runs',
    text: [
      '`fovea train <folder>` with the options that are shown, and `fovea evaluate` on the test images. Pretrained: MobileNetV2',
      'with the converted ImageNet checkpoint. Waiting: the share of training that was spent waiting for images.',
    ].join('\n'),
    columns: [
      'images',
      'options',
      'weights',
      'validation',
      'test',
      'goal',
      'epochs',
      'time',
      'images/s',
      'waiting',
      'peak memory',
    ],
    rows,
  };
}

function row({ set, options, weights, metric, goal }: Run, record: JobRecord, test: number): string[] {
  const [trial] = record.trials;
  const of = (name: string) => median(trial.epochs.map(({ metrics }) => metrics[name]));
  const figure = `${metric === 'accuracy' ? 'accuracy' : 'mAP'} ${test.toFixed(3)}`;
  const seconds = (Date.parse(record.end_time ?? '') - Date.parse(record.start_time ?? '')) / 1000;
  return [
    set,
    options.filter((word) => word !== '--set').join(' ') || '–',
    weights === 'none' ? 'random' : 'pretrained',
    `${record.primary_metric} ${record.metrics[record.primary_metric].toFixed(3)}`,
    goal !== undefined && test < goal ? `**${figure}**` : figure,
    goal === undefined ? '' : `≥ ${goal}`,
    `${record.best_epoch} of ${trial.epochs.length}`,
    `${seconds.toFixed(0)} s`,
    of('images_per_second').toFixed(1),
    `${(100 * of('data_wait_fraction')).toFixed(1)} %`,
    `${trial.properties.peak_memory_mib} MiB`,
  ];
}

/** A folder with the set's images and the one table that says what is in them. */
export function unpackedTable(set: string, folder: string): string {
  const target = join(folder, set);
  if (existsSync(target)) return target;
  const source = join(SHARED, 'data', set);
  if (!existsSync(source)) throw new Error(`${set} is not here; FOVEA_SHARED names the folder with data/${set}`);
  mkdirSync(target);
  execFileSync('tar', ['-xf', join(source, 'images.tar'), '-C', target]);
  for (const file of readdirSync(source)) if (file.endsWith('.csv')) cpSync(join(source, file), join(target, file));
  return target;
}
