import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postgresPrograms, startCluster } from '@fovea/platform/postgres-cluster';
import { type MetricPoint, openStore, type Store, type TrialRow } from '@fovea/platform/store';
import { judged, type Section } from './results.ts';
import type { Bench } from './side.ts';

/** Milliseconds. */
const GOAL = 100;
/** 10,000 trials in all: jobs as large as they may be, and many small ones. */
const JOBS = [
  { count: 5, trials: 1000 },
  { count: 40, trials: 100 },
  { count: 1000, trials: 1 },
];
const TRIALS = JOBS.reduce((sum, { count, trials }) => sum + count * trials, 0);
/** Of a trial: a million points in all. */
const EPOCHS = 20;
const NAMES = ['loss', 'validation_loss', 'accuracy', 'precision_score_macro', 'recall_score_macro'];
const POINTS = TRIALS * EPOCHS * NAMES.length;

/** How long lists and queries take when the store is full, and how fast it fills. */
export async function store(bench: Bench): Promise<Section> {
  const rows: string[][] = [];
  const folder = mkdtempSync(join(tmpdir(), 'fovea-bench-store-'));
  try {
    const sqlite = await openStore({ folder });
    rows.push(...(await measure(bench, 'SQLite', sqlite)));
    const bytes = statSync(join(folder, 'fovea.db')).size;
    await sqlite.close();
    bench.say(`store: SQLite's file has ${(bytes / 2 ** 20).toFixed(0)} MiB`);
    const programs = postgresPrograms();
    if (programs === null) bench.say('store: no PostgreSQL here (npm run setup installs it): only SQLite is measured');
    else rows.push(...(await onPostgres(bench, programs, folder)));
  } finally {
    rmSync(folder, { recursive: true });
  }
  return {
    title: 'The store',
    text: [
      `${TRIALS.toLocaleString('en')} finished trials in ${JOBS.map(({ count, trials }) => `${count} jobs of ${trials}`).join(', ')}, with`,
      `${POINTS.toLocaleString('en')} metric points. Times are from the call to rows that are read and parsed, medians of ${roundsOf(bench)}; each write is a`,
      'transaction of its own. PostgreSQL runs on the same machine, over a socket, without waiting for the disk.',
    ].join('\n'),
    columns: ['database', 'what', 'rows', 'time', 'goal', 'goal ÷ time'],
    rows,
  };
}

const roundsOf = ({ rounds }: Bench): number => Math.max(9, rounds);

async function onPostgres(bench: Bench, programs: string, folder: string): Promise<string[][]> {
  const cluster = await startCluster(programs);
  try {
    const opened = await openStore({ folder, database: await cluster.database() });
    const rows = await measure(bench, 'PostgreSQL', opened);
    await opened.close();
    return rows;
  } finally {
    await cluster.stop();
  }
}

async function measure(
  bench: Bench,
  database: string,
  { jobs, trials, metrics, computes }: Store,
): Promise<string[][]> {
  bench.say(`store: filling ${database}`);
  const recording = await fill({ jobs, trials, metrics });
  await trials.add({ name: 'last', job: jobName(0), number: TRIALS, draw: {}, chosen_because: '', owner: 'bench' });
  await computes.put({ name: 'local', type: 'local', spec: {}, cpu: 64, gpu: 8 });

  bench.say(`store: asking ${database}`);
  const large = jobName(0);
  const small = jobName(5000);
  let step = 0;
  const epoch = () => {
    step++;
    return NAMES.map((name) => ({ name, step, value: 1 / step, time: new Date().toISOString() }));
  };
  const one = async (work: Promise<unknown>) => {
    await work;
    return [null];
  };
  const asked: [string, () => Promise<readonly unknown[]>, number][] = [
    ['job list', async () => (await jobs.list()).rows, GOAL],
    ['job list, its first page', async () => (await jobs.list({ most: 20 })).rows, GOAL],
    ['job list, by a tag', async () => (await jobs.list({ tag: { key: 'site', value: 'north' } })).rows, GOAL],
    ['trial list of a large job', () => trials.ofJob(large), GOAL],
    ['trial list of a small job', () => trials.ofJob(small), GOAL],
    ['trial list over all jobs, a page', async () => (await trials.list({ most: 100 })).rows, GOAL],
    ['metrics of a trial', () => metrics.ofTrial(`${large}_HD_500`), GOAL],
    ['one metric of a trial', () => metrics.ofTrial(`${large}_HD_500`, { name: 'accuracy' }), GOAL],
    ['one metric of all trials of a large job', () => metrics.ofJob(large, 'accuracy'), GOAL],
    ['jobs that have not ended', () => jobs.unfinished(), GOAL],
    ['an epoch recorded', () => one(metrics.record('last', epoch(), { owner: 'bench' })), GOAL],
    ['a beat', () => one(trials.beat('last', 'bench')), GOAL],
    ['slots claimed', () => one(computes.claim('local', 'last', { cpu: 4, gpu: 1 })), GOAL],
  ];
  const rows: string[][] = [];
  for (const [what, ask, goal] of asked) {
    const { time, count } = await timed(roundsOf(bench), ask);
    rows.push([
      database,
      what,
      count.toLocaleString('en'),
      `${time.toFixed(1)} ms`,
      `< ${goal} ms`,
      judged(goal / time, 1),
    ]);
  }
  const rate = Math.round(1000 / recording.each);
  rows.push([
    database,
    `metric points recorded, ${recording.batch} at a time`,
    '',
    `${rate.toLocaleString('en')} a second`,
    '',
    '',
  ]);
  return rows;
}

async function timed(rounds: number, ask: () => Promise<readonly unknown[]>): Promise<{ time: number; count: number }> {
  const times: number[] = [];
  let count = 0;
  for (let round = 0; round <= rounds; round++) {
    const begun = performance.now();
    count = (await ask()).length;
    // The first one warms up.
    if (round > 0) times.push(performance.now() - begun);
  }
  return { time: times.sort((a, b) => a - b)[Math.floor(rounds / 2)], count };
}

/** Name of the job that the trial of this number, of all trials, belongs to. */
function jobName(trial: number): string {
  let begin = 0;
  for (const { count, trials } of JOBS) {
    if (trial < begin + count * trials) return `job_of_${trials}_${Math.floor((trial - begin) / trials)}`;
    begin += count * trials;
  }
  throw new RangeError(`there are no ${trial} trials`);
}

/** @returns milliseconds that a metric point took, of batches of as many */
async function fill({ jobs, trials, metrics }: Pick<Store, 'jobs' | 'trials' | 'metrics'>) {
  let recording = 0;
  let number = 0;
  let job = '';
  for (let i = 0; i < TRIALS; i++) {
    if (job !== jobName(i)) {
      job = jobName(i);
      number = 0;
      const spec = { task: 'image_classification', search_space: [hyperparameters(i)] };
      const named = { display_name: job, experiment_name: 'bench', primary_metric: 'accuracy' };
      const tags: Record<string, string> = i % 10 === 0 ? { site: 'north' } : { site: 'south' };
      await jobs.add({ name: job, type: 'automl', spec, setting: {}, ...named, tags, status: 'Completed' });
    }
    const name = `${job}_HD_${number}`;
    const draw = { learning_rate: 0.001 * (i + 1), model_name: 'mobilenetv2' };
    await trials.add({ name, job, number: number++, draw, chosen_because: 'drawn at random', status: 'Running' });
    const batch = points(i);
    const begun = performance.now();
    await metrics.record(name, batch);
    recording += performance.now() - begun;
    await trials.transition(name, { from: ['Running'], to: 'Completed', set: ended(i) });
  }
  return { each: recording / POINTS, batch: EPOCHS * NAMES.length };
}

function points(trial: number): MetricPoint[] {
  const time = new Date().toISOString();
  return Array.from({ length: EPOCHS * NAMES.length }, (_, i) => {
    const step = 1 + Math.floor(i / NAMES.length);
    return { name: NAMES[i % NAMES.length], step, value: Math.sin(trial + i) ** 2, time };
  });
}

/** As much as a trial of image classification says of itself. */
function ended(trial: number): Partial<TrialRow> {
  const metrics = Object.fromEntries(
    [...Array(30).keys()].map((i) => [`metric_number_${i}`, Math.sin(trial + i) ** 2]),
  );
  const time = new Date().toISOString();
  const properties = {
    weights: 'ImageNet, from the folder of weights',
    arithmetic: 'bf16, measured: 12.5 ms and 31.3 ms',
  };
  const found = { best_epoch: EPOCHS, metrics, hyperparameters: hyperparameters(trial), properties };
  return {
    model_name: 'mobilenetv2',
    start_time: time,
    end_time: time,
    attempts: 1,
    device: 'cpu: 2 threads',
    ...found,
  };
}

const hyperparameters = (trial: number): Record<string, unknown> =>
  Object.fromEntries(
    [...Array(35).keys()].map((i) => [`hyperparameter_number_${i}`, i % 3 === 0 ? trial / (i + 1) : i]),
  );
