import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobRecord } from '@fovea/platform';
import { fovea } from './fovea-command.ts';
import type { Section } from './results.ts';
import { PRETRAINED, unpackedTable } from './runs.ts';
import type { Bench } from './side.ts';

/** Minutes that each run may take; FOVEA_BENCH_MINUTES=1 only tries whether all of this works. */
const MINUTES = Number(process.env.FOVEA_BENCH_MINUTES ?? 6);
const TRIALS = 10;
const SETS = ['ants_bees', 'cifar10_2500'] as const;

interface Judged {
  record: JobRecord;
  test: number;
}

/** AutoMode with ten trials beside the one trial of `fovea train`, each in the same time, judged on the test images. */
export async function automodeRuns(bench: Bench): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-bench-'));
  const rows: string[][] = [];
  const stories: string[] = [];
  try {
    for (const set of SETS) {
      const data = unpackedTable(set, folder);
      bench.say(`automode: ${set}, one trial`);
      const one = await judged(folder, data, ['--name', `${set}_one`]);
      bench.say(`automode: ${set}, ${TRIALS} trials`);
      const many = await judged(folder, data, ['--name', `${set}_automode`, '--trials', String(TRIALS)]);
      rows.push(row(set, 'one trial', one), row(set, 'AutoMode', many, one));
      stories.push(`**${set}**\n\n${storyOf(many.record)}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return {
    title: 'AutoMode',
    text: [
      `\`fovea train <folder>\` beside \`fovea train <folder> --trials ${TRIALS}\`, each with \`limits.timeout_minutes=${MINUTES}\` and the`,
      'converted ImageNet checkpoint of MobileNetV2. Accuracy on the test images, by `fovea evaluate`.',
    ].join('\n'),
    columns: ['images', 'search', 'validation', 'test', 'minutes', 'trials', 'best model', 'epochs'],
    rows,
    after: ['What AutoMode tried, and why:', ...stories].join('\n\n'),
  };
}

async function judged(folder: string, data: string, words: readonly string[]): Promise<Judged> {
  const all = ['train', data, ...words, '--weights', PRETRAINED, '--set', `limits.timeout_minutes=${MINUTES}`];
  const record = await fovea<JobRecord>(folder, all, { mayEndWith: [1] });
  if (record.best_trial === null) throw new Error(`${record.name} has no model: ${record.error}`);
  const { metrics } = await fovea<{ metrics: Record<string, number> }>(folder, ['evaluate', record.name, data]);
  return { record, test: metrics.accuracy };
}

/** @param than marked when it is worse than this */
function row(set: string, search: string, { record, test }: Judged, than?: Judged): string[] {
  const best = record.trials.find(({ name }) => name === record.best_trial);
  const minutes = (Date.parse(record.end_time ?? '') - Date.parse(record.start_time ?? '')) / 60_000;
  const figure = test.toFixed(3);
  return [
    ...[set, search, record.metrics.accuracy.toFixed(3), than && test < than.test ? `**${figure}**` : figure],
    ...[minutes.toFixed(1), String(record.trials.length), best?.model_name ?? '–'],
    `${best?.best_epoch} of ${best?.epochs.at(-1)?.epoch}`,
  ];
}

const storyOf = ({ trials }: JobRecord) =>
  trials
    .map(({ number, model_name, chosen_because, ended_because, metrics, epochs }) => {
      const reached = metrics.accuracy === undefined ? 'nothing' : metrics.accuracy.toFixed(3);
      const ended = ended_because === null ? '' : `; ended: ${ended_because}`;
      return `${number + 1}. ${model_name}: ${chosen_because ?? ''} → ${reached} after ${epochs.at(-1)?.epoch ?? 0} epochs${ended}`;
    })
    .join('\n');
