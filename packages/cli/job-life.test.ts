// The life of jobs in the real workspace: started and left alone, watched, ended, gone on with, looked at, taken away.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { drawRedAndBlue } from './fixtures/png.ts';
import { says } from './fixtures/staged-command.ts';

let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'fovea-job-life-'));
  drawRedAndBlue(folder);
  const sizes = ['training_crop_size', 'validation_crop_size', 'validation_resize_size'].map((name) => `  ${name}: 32`);
  const data = [
    'type: automl',
    'task: image_classification',
    'target_column_name: label',
    'training_data: {path: pictures}',
  ];
  const parameters = ['training_parameters:', '  number_of_epochs: 2', '  training_batch_size: 8', ...sizes];
  const sweep = [
    'limits: {max_trials: 3, max_concurrent_trials: 2}',
    'sweep: {sampling_algorithm: grid}',
    'search_space:',
  ];
  const space = ['  - model_name: mobilenetv2', '    learning_rate: {type: choice, values: [0.001, 0.01, 0.1]}'];
  writeFileSync(join(folder, 'job.yml'), [...data, ...parameters, '  model_name: mobilenetv2', ''].join('\n'));
  writeFileSync(join(folder, 'sweep.yml'), [...data, ...parameters, ...sweep, ...space, ''].join('\n'));
});
// The process that worked on the jobs may be about to end.
after(() => rmSync(folder, { recursive: true, maxRetries: 10, retryDelay: 200 }));

const command = join(import.meta.dirname, 'main.ts');
// Without weights from anywhere: the run says so and begins with random ones.
const env = () => ({
  ...process.env,
  FOVEA_WEIGHTS: folder,
  XDG_CACHE_HOME: folder,
  FOVEA_OFFLINE: '1',
  NO_COLOR: '1',
});

function fovea(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [command, ...args], { cwd: folder, encoding: 'utf8', env: env() });
}

const start = (...args: string[]): ChildProcess =>
  spawn(process.execPath, [command, ...args], { cwd: folder, env: env() });

const value = (...args: string[]): unknown => JSON.parse(fovea(...args).stdout);

test('a sweep is started and left, followed, and compared', { timeout: 300_000 }, () => {
  const created = fovea('job', 'create', '-f', 'sweep.yml', '-n', 'swept');
  assert.equal(created.status, 0, created.stderr);
  assert.equal(JSON.parse(created.stdout).status, 'Queued');
  assert.match(created.stderr, /swept is queued\n +follow +fovea job stream --name swept\n/);

  const stream = fovea('job', 'stream', '-n', 'swept');
  assert.equal(stream.status, 0, stream.stderr);
  assert.match(stream.stdout, /==> swept_HD_0 <==\n[\s\S]*==> swept_HD_1 <==\n/);
  assert.match(stream.stdout, /INFO epoch 2\/2 accuracy /);

  const table = fovea('trial', 'list', '--job', 'swept', '-o', 'table').stdout.split('\n');
  assert.match(table[0], /^Name +Status +Accuracy +Best epoch +Model +Hyperparameters +Device +Because$/);
  assert.equal(
    table.filter((line) => /^swept_HD_\d +Completed +[\d.]+ +[12] +mobilenetv2 +learning_rate /.test(line)).length,
    3,
  );
  assert.deepEqual(value('job', 'list', '-p', 'swept', '--query', '[].draw.learning_rate'), [0.001, 0.01, 0.1]);
  assert.match(String(value('trial', 'show', '-n', 'swept_HD_2', '--query', 'chosen_because')), /point 3 of the grid/);
  assert.match(fovea('trial', 'logs', '-n', 'swept_HD_1').stdout, /INFO trial 2 of 3/);

  const { best, tag, trials } = value(
    ...[
      'job',
      'show',
      '-n',
      'swept',
      '--query',
      '{best: best_trial, tag: tags.automl_best_child_run_id, trials: trials[].metrics.accuracy}',
    ],
  ) as { best: string; tag: string; trials: number[] };
  assert.equal(tag, best);
  assert.equal(trials[Number(best.at(-1))], Math.max(...trials));

  const download = fovea('job', 'download', '-n', 'swept', '-p', 'here', '--output-name', 'best_model');
  assert.equal(download.status, 0, download.stderr);
  const predicted = fovea('predict', 'here/swept/named-outputs/best_model', 'pictures/red/0.png', '-o', 'json');
  assert.deepEqual(JSON.parse(predicted.stdout)[0].labels, ['blue', 'red']);
  assert.equal(fovea('job', 'download', '-n', 'swept', '-p', 'here').status, 0);
  assert.deepEqual(readdirSync(join(folder, 'here', 'swept')).sort(), [
    'named-outputs',
    'outputs',
    'train_artifacts',
    'user_logs',
  ]);
});

test('Ctrl-C ends what train began, and resume goes on to the end', { timeout: 300_000 }, async () => {
  const sizes = ['training_crop_size', 'validation_crop_size', 'validation_resize_size'].flatMap((n) => [
    '--set',
    `${n}=32`,
  ]);
  const job = start('train', 'pictures', '-n', 'cut', '--epochs', '40', '--batch-size', '8', ...sizes);
  await says(job, /epoch 1\/40/);
  const asked = performance.now();
  job.kill('SIGINT');
  const [code] = await once(job, 'close');
  const seconds = (performance.now() - asked) / 1000;
  assert.equal(code, 130);
  assert.ok(seconds < 10, `it took ${seconds} s`);
  assert.equal(value('job', 'show', '-n', 'cut', '--query', 'status'), 'Canceled');
  const before = value('job', 'show', '-n', 'cut', '--query', 'trials[0].epochs[].epoch') as number[];
  assert.ok(before.length >= 1 && before.length < 40);

  const resumed = fovea('job', 'resume', '-n', 'cut', '-o', 'json');
  assert.equal(resumed.status, 0, resumed.stderr);
  const record = JSON.parse(resumed.stdout);
  const epochs = record.trials[0].epochs.map(({ epoch }: { epoch: number }) => epoch);
  assert.equal(record.status, 'Completed');
  assert.deepEqual(
    epochs,
    Array.from(epochs, (_, i) => i + 1),
    'no epoch twice, none left out',
  );
  assert.ok(epochs.length > before.length);
});

test('a closed terminal ends nothing; cancel does, and an ended job can be put away', {
  timeout: 300_000,
}, async () => {
  const job = start(
    'job',
    'create',
    '-f',
    'job.yml',
    '-n',
    'left',
    '--stream',
    '--set',
    'training_parameters.number_of_epochs=200',
  );
  await says(job, /epoch 1\/200/);
  job.kill('SIGHUP');
  assert.equal((await once(job, 'close'))[0], 129);
  assert.match(fovea('job', 'archive', '-n', 'left').stderr, /has not ended: only a job that has can be archived/);
  const epochs = () => value('trial', 'show', '-n', 'left_HD_0', '--query', 'length(epochs)') as number;
  const before = epochs();
  for (let waited = 0; epochs() <= before; waited++) {
    assert.ok(waited < 60, 'it does not go on');
    await wait(500);
  }

  const canceled = fovea('job', 'cancel', '-n', 'left');
  assert.deepEqual([canceled.status, canceled.stderr], [0, '  left is canceled\n']);
  assert.equal(fovea('job', 'archive', '-n', 'left').status, 0);
  assert.deepEqual(value('job', 'list', '--archived-only', '--query', '[].name'), ['left']);
  assert.ok(!(value('job', 'list', '--query', '[].name') as string[]).includes('left'));
  const tags = value('job', 'update', '-n', 'left', '--set', 'tags.why=boring', '--query', 'tags') as Record<
    string,
    string
  >;
  assert.equal(tags.why, 'boring');
  assert.equal(fovea('job', 'delete', '-n', 'left', '--yes').status, 0);
  assert.ok(!existsSync(join(folder, '.fovea', 'jobs', 'left')));
  assert.equal(fovea('job', 'show', '-n', 'left').status, 1);
});

test('a name that is taken, and a database that is not there, are said', () => {
  const taken = fovea('job', 'create', '-f', 'job.yml', '-n', 'swept');
  assert.equal(taken.status, 1);
  assert.match(taken.stderr, /swept/);
  const { status, stderr } = fovea('job', 'list', '--database', 'postgres://someone:secret@127.0.0.1:9/jobs');
  assert.equal(status, 1);
  assert.match(stderr, /^error .*127\.0\.0\.1/);
  assert.ok(!stderr.includes('secret') && !stderr.includes('    at '), stderr);
});

test('the schema for editors is printed whole', () => {
  const { $schema, properties } = value('schema', 'job') as { $schema: string; properties: object };
  assert.equal($schema, 'https://json-schema.org/draft/2020-12/schema');
  assert.ok('training_parameters' in properties);
});
