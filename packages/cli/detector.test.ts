// Objects in pictures, by the words of the command line: from a folder with VOC files to a model whose answers are judged.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { png } from './fixtures/png.ts';

let folder: string;
const side = 64;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'fovea-detector-'));
  for (const name of ['Annotations', 'JPEGImages']) mkdirSync(join(folder, 'boxes', name), { recursive: true });
  for (let i = 0; i < 24; i++) {
    const [label, colour] = i % 2 === 0 ? ['red', [220, 40, 30]] : ['blue', [30, 50, 210]];
    const [x, y] = [(i * 11) % 38, (i * 17) % 38];
    const box = { xmin: x, ymin: y, xmax: x + 24, ymax: y + 24 };
    writeFileSync(join(folder, 'boxes', 'JPEGImages', `${i}.png`), rectangle(box, colour as number[]));
    const corners = Object.entries(box).map(([name, value]) => `<${name}>${value}</${name}>`);
    const object = `<object><name>${label}</name><bndbox>${corners.join('')}</bndbox></object>`;
    const xml = `<annotation>\n<filename>${i}.png</filename>\n${object}\n</annotation>\n`;
    writeFileSync(join(folder, 'boxes', 'Annotations', `${i}.xml`), xml);
  }
});
// The process that worked on the jobs may be about to end.
after(() => rmSync(folder, { recursive: true, maxRetries: 10, retryDelay: 200 }));

function fovea(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const command = [join(import.meta.dirname, 'main.ts'), ...args];
  const env = { ...process.env, FOVEA_WEIGHTS: folder, XDG_CACHE_HOME: folder, FOVEA_OFFLINE: '1' };
  return spawnSync(process.execPath, command, { cwd: folder, encoding: 'utf8', env });
}

test('a detector is trained on VOC files, and its served answers are as good as in validation', {
  timeout: 600_000,
}, () => {
  const parameters = ['model_size=small', 'image_size=64', 'box_score_threshold=0.001', 'number_of_workers=1'];
  const optimizer = ['optimizer=adamw', 'learning_rate=0.002', 'early_stopping=false', 'evaluation_frequency=15'];
  const said = ['advanced_settings={"apply_mosaic_for_yolo": false}', ...parameters, ...optimizer];
  const sets = said.flatMap((one) => ['--set', one]);
  const trained = fovea('train', 'boxes', '-n', 'seen', '--epochs', '30', '--batch-size', '4', ...sets, '-o', 'json');
  assert.equal(trained.status, 0, trained.stderr);
  const record = JSON.parse(trained.stdout);
  assert.equal(record.task, 'image_object_detection');
  assert.match(trained.stderr, /boxes: boxes of objects from Pascal VOC: task image_object_detection/);
  assert.match(trained.stderr, /24 images · 2 classes \(blue 12, red 12\)/);
  assert.match(trained.stderr, /ONNX differs from the trained model by at most \S+ of the deviation/);

  // The job keeps its split: the served model is judged by the same images as validation did.
  const evaluated = fovea('evaluate', 'seen', join('.fovea', 'jobs', 'seen', 'data', 'validation'), '-o', 'json');
  assert.equal(evaluated.status, 0, evaluated.stderr);
  const { metrics, per_label_metrics: labels, confusion_matrix: confusion, images } = JSON.parse(evaluated.stdout);
  assert.equal(images, 5);
  assert.ok(labels.some(({ detections }: { detections: number }) => detections > 0));
  for (const name of ['mean_average_precision', 'precision', 'recall'])
    assert.ok(
      Math.abs(metrics[name] - record.metrics[name]) < 1e-3,
      `${name}: ${metrics[name]}, ${record.metrics[name]}`,
    );
  assert.deepEqual(confusion.class_labels, ['blue', 'red', 'background']);

  const text = fovea('evaluate', 'seen', 'boxes');
  assert.match(text.stdout, /mean average precision [\d.e-]+ on 24 images\n[\s\S]*AP at 0\.5\n {4}blue/);
  const unknown = fovea('evaluate', 'seen', 'boxes', '--split', 'val');
  assert.match(unknown.stderr, /the data is not split/);
});

test('data check counts the objects, measures their boxes and shows them on its page', () => {
  const { status, stdout, stderr } = fovea('data', 'check', 'boxes', '--html', 'page.html', '-o', 'json');
  assert.equal(status, 0, stderr);
  const { task, objects, classes } = JSON.parse(stdout);
  assert.equal(task, 'image_object_detection');
  assert.deepEqual([objects.number, objects.images_without_objects], [24, 0]);
  assert.deepEqual(objects.classes[0], { name: 'blue', training: 12, validation: 0, small: 12, medium: 0, large: 0 });
  assert.deepEqual(objects.width, { smallest: 24, median: 24, largest: 24 });
  assert.equal(classes.length, 2);
  assert.match(readFileSync(join(folder, 'page.html'), 'utf8'), /Objects of each class/);
  const text = fovea('data', 'check', 'boxes');
  assert.match(text.stdout, /24 images · 2 classes · 24 objects/);
  assert.match(text.stdout, /boxes {2}small 24, medium 0, large 0 · 1 to 1 an image/);
});

test('a job file names a folder of VOC files; samples of it are drawn', () => {
  const job = 'type: automl\ntask: image_object_detection\ntarget_column_name: label\ntraining_data: {path: boxes}\n';
  writeFileSync(join(folder, 'job.yml'), job);
  const validated = fovea('job', 'validate', '--file', 'job.yml', '-o', 'json');
  assert.equal(validated.status, 0, validated.stderr);
  assert.equal(validated.stderr, '');
  const checked = fovea('data', 'check', '--file', 'job.yml', '-o', 'json', '--query', 'objects.number');
  assert.equal(checked.stdout, '24\n');
  const samples = fovea('data', 'samples', 'boxes', 'sheet.png', '--count', '2', '-o', 'json', '--query', 'images');
  assert.equal(samples.stdout, '2\n', samples.stderr);
});

/** A grey picture with a rectangle of one colour. */
function rectangle({ xmin, ymin, xmax, ymax }: Record<string, number>, colour: readonly number[]): Buffer {
  const isInside = (x: number, y: number) => x >= xmin && x < xmax && y >= ymin && y < ymax;
  return png(side, (x, y) => (isInside(x, y) ? colour : [128 + ((x * 7 + y * 3) % 20), 128, 128]));
}
