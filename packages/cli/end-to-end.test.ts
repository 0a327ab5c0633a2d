// One job through the real packages, by the words that a script for az has: a file, a run, a model that answers.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { drawRedAndBlue, png } from './fixtures/png.ts';

let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'fovea-end-to-end-'));
  drawRedAndBlue(folder);
  const job = [
    'type: automl',
    'task: image_classification',
    'target_column_name: label',
    'training_data:',
    '  path: pictures',
  ];
  const parameters = [
    'training_parameters:',
    '  model_name: resnet18',
    '  number_of_epochs: 1',
    '  training_batch_size: 8',
  ];
  const sizes = ['training_crop_size', 'validation_crop_size', 'validation_resize_size'].map((name) => `  ${name}: 32`);
  writeFileSync(join(folder, 'job.yml'), [...job, ...parameters, ...sizes, ''].join('\n'));
});
// The process that worked on the jobs may be about to end.
after(() => rmSync(folder, { recursive: true, maxRetries: 10, retryDelay: 200 }));

function fovea(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const command = [join(import.meta.dirname, 'main.ts'), ...args];
  // Without weights from anywhere: the run says so and begins with random ones.
  const env = { ...process.env, FOVEA_WEIGHTS: folder, XDG_CACHE_HOME: folder, FOVEA_OFFLINE: '1' };
  return spawnSync(process.execPath, command, { cwd: folder, encoding: 'utf8', env });
}

test('validate, create, show and predict', { timeout: 240_000 }, () => {
  const validated = fovea('job', 'validate', '--file', 'job.yml', '-o', 'json');
  assert.equal(validated.stderr, '');
  assert.equal(JSON.parse(validated.stdout).training_parameters.learning_rate, 0.01);

  const created = fovea(
    ...['ml', 'job', 'create', '--file', 'job.yml', '--name', 'colours', '--stream', '--resource-group', 'rg'],
  );
  assert.equal(created.status, 0, created.stderr);
  const record = JSON.parse(created.stdout);
  assert.equal(record.status, 'Completed');
  assert.equal(record.properties.azure_resource_group, 'rg');
  assert.equal(typeof record.metrics.accuracy, 'number');
  assert.match(created.stderr, /24 images · 2 classes \(blue 12, red 12\)/);
  assert.match(created.stderr, /epoch 1\/1 {2}accuracy /);
  assert.match(created.stderr, /ONNX differs from the trained model by at most /);
  assert.deepEqual(JSON.parse(readFileSync(join(record.model, 'artifacts', 'labels.json'), 'utf8')), ['blue', 'red']);

  const shown = fovea('job', 'show', '--name', 'colours', '--query', 'model', '-o', 'tsv');
  assert.equal(shown.stdout, `${record.model}\n`);

  for (const model of ['colours', record.model]) {
    const predicted = fovea('predict', model, 'pictures/red/0.png', 'job.yml', '-o', 'json');
    assert.equal(predicted.status, 1);
    const [answer, refusal] = JSON.parse(predicted.stdout);
    assert.deepEqual([answer.file, answer.labels], ['pictures/red/0.png', ['blue', 'red']]);
    assert.ok(Math.abs(answer.probs[0] + answer.probs[1] - 1) < 1e-6);
    assert.match(refusal.error, /job\.yml is not an image/);
  }

  const explained = fovea('explain', 'colours', 'pictures/red/0.png', '--algorithm', 'guided_gradcam', '-o', 'json');
  assert.equal(explained.status, 0, explained.stderr);
  const [{ file, explanations }] = JSON.parse(explained.stdout);
  assert.deepEqual([file, explanations.length], ['pictures/red/0.png', 1]);
  assert.match(explanations[0].picture, /explanations\/0\.png$/);
  assert.equal(readFileSync(join(folder, explanations[0].picture)).toString('latin1', 1, 4), 'PNG');
});

test('labels in a CSV file: train, evaluate and predict', { timeout: 240_000 }, () => {
  mkdirSync(join(folder, 'mixed', 'images'), { recursive: true });
  const rows = Array.from({ length: 32 }, (_, i) => {
    const [red, blue] = [i % 2, Math.floor(i / 2) % 2];
    writeFileSync(
      join(folder, 'mixed', 'images', `${i}.png`),
      png(40, () => [30 + 200 * red, 40, 30 + 200 * blue]),
    );
    const labels = [...(red ? ['red'] : []), ...(blue ? ['blue'] : [])].join(' ');
    return `${i}.png,${i < 20 ? 'train' : i < 26 ? 'val' : 'test'},${labels}\n`;
  });
  writeFileSync(join(folder, 'mixed', 'labels.csv'), `file,split,labels\n${rows.join('')}`);
  const sizes = ['training_crop_size', 'validation_crop_size', 'validation_resize_size'].flatMap((name) => [
    '--set',
    `${name}=32`,
  ]);
  const trained = fovea(
    'train',
    'mixed',
    '--name',
    'mixed',
    '--model',
    'resnet18',
    '--epochs',
    '2',
    ...sizes,
    '-o',
    'json',
  );
  assert.equal(trained.status, 0, trained.stderr);
  assert.match(trained.stderr, /"red blue" is taken for several labels: task image_classification_multilabel/);
  assert.match(
    trained.stderr,
    /20 images · 2 classes .* · 5 without any · 6 others validate · 6 for testing are left out/,
  );
  const record = JSON.parse(trained.stdout);
  assert.equal(typeof record.metrics.iou, 'number');

  // What the trainer said of its validation images, the served model says of them, too.
  for (const args of [
    ['mixed', '--split', 'val'],
    ['.fovea/jobs/mixed/data', '--split', 'val'],
    ['.fovea/jobs/mixed/data/validation'],
  ]) {
    const evaluated = fovea('evaluate', 'mixed', ...args, '-o', 'json');
    assert.equal(evaluated.status, 0, evaluated.stderr);
    const { images, metrics } = JSON.parse(evaluated.stdout);
    assert.equal(images, 6);
    for (const name of ['iou', 'log_loss', 'average_precision_score_macro'])
      assert.ok(Math.abs(metrics[name] - record.metrics[name]) < 1e-3, `${name}: ${metrics[name]}`);
  }
  assert.match(fovea('evaluate', 'mixed', 'mixed').stdout, /^ {2}iou \d\.\d{3} on 6 images \(test\)\n/);
  const { probs, labels } = JSON.parse(fovea('predict', 'mixed', 'mixed/images/3.png', '-o', 'json').stdout)[0];
  assert.deepEqual(labels, ['blue', 'red']);
  assert.ok(probs.every((probability: number) => probability > 0 && probability < 1));
});

test('validate: what is not here, or cannot be run yet, does not make a job wrong', () => {
  const absent = ['--set', 'training_data.path=nowhere', '--set', 'training_parameters.distributed=true'];
  const { status, stdout, stderr } = fovea('job', 'validate', '--file', 'job.yml', '-o', 'json', ...absent);
  assert.equal(status, 0, stderr);
  assert.equal(JSON.parse(stdout).training_parameters.distributed, true);
  assert.match(stderr, /warning: .*several GPUs can not be run yet/);
  assert.match(stderr, /no such file or folder/);
  const create = fovea('job', 'create', '--file', 'job.yml', ...absent);
  assert.equal(create.status, 1);
});

test('train: what is wrong with the folder is said, and nothing is started', () => {
  mkdirSync(join(folder, 'few', 'a'), { recursive: true });
  writeFileSync(join(folder, 'few', 'a', '1.jpg'), 'no picture');
  const { status, stdout, stderr } = fovea('train', 'few', '--set', 'learning_rate=0.1');
  assert.deepEqual([status, stdout], [1, '']);
  assert.match(stderr, /few has \d problems\n[\s\S]*Nothing was started\.\n$/);
});

test('train: a slip of the finger gets the nearest right word', () => {
  const { status, stderr } = fovea('train', 'pictures', '--model', 'resnet19', '--set', 'learning_rat=0.1');
  assert.equal(status, 1);
  assert.match(stderr, /--model resnet19 has 1 problem\n\n.*did you mean resnet18\?/);
  assert.match(stderr, /--set learning_rat=0\.1 has 1 problem\n\n.*did you mean learning_rate\?/);
});
