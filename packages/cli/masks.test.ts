// Outlines of objects, by the words of the command line: from a table to a model of masks whose answers are judged and drawn.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import sharp from 'sharp';

const side = 64;
const IMAGES = 10;
/** A network that has seen little finds little better than this. */
const IOU = 0.1;
let folder: string;

/** Corners of a shape of half the side 1 about 0, 0. */
const shapes = {
  disc: Array.from({ length: 24 }, (_, i) => [Math.cos((i * Math.PI) / 12), Math.sin((i * Math.PI) / 12)]),
  kite: [
    [0, -1],
    [0.7, 0],
    [0, 1],
    [-0.7, 0],
  ],
};

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fovea-outlines-'));
  mkdirSync(join(folder, 'shapes'));
  const lines: string[] = [];
  for (let i = 0; i < IMAGES; i++) {
    const objects = (['disc', 'kite'] as const).slice(i % 3 === 0 ? 1 : 0).map((label, k) => {
      const [x, y, r] = [16 + ((i * 13) % 4) + 29 * k, 16 + ((i * 17) % 32), 10 + ((i * 5 + k) % 5)];
      return { label, points: shapes[label].map(([across, down]) => [x + r * across, y + r * down]) };
    });
    const drawn = objects.map(({ label, points }) => {
      const ink = label === 'disc' ? '#c02818' : '#1838c0';
      return `<polygon points="${points.map((point) => point.join(',')).join(' ')}" fill="${ink}"/>`;
    });
    const svg = `<svg width="${side}" height="${side}"><rect width="100%" height="100%" fill="#9aa4a0"/>${drawn.join('')}</svg>`;
    await sharp(Buffer.from(svg))
      .png()
      .toFile(join(folder, 'shapes', `${i}.png`));
    const label = objects.map(({ label: name, points }) => ({
      label: name,
      polygon: [points.flat().map((value) => value / side)],
      isCrowd: 0,
    }));
    lines.push(`${JSON.stringify({ image_url: `${i}.png`, image_details: { width: side, height: side }, label })}\n`);
  }
  writeFileSync(join(folder, 'shapes', 'outlines.jsonl'), lines.join(''));
});
// The process that worked on the jobs may be about to end.
after(() => rmSync(folder, { recursive: true, maxRetries: 10, retryDelay: 200 }));

function fovea(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const command = [join(import.meta.dirname, 'main.ts'), ...args];
  const env = { ...process.env, FOVEA_WEIGHTS: folder, XDG_CACHE_HOME: folder, FOVEA_OFFLINE: '1' };
  return spawnSync(process.execPath, command, { cwd: folder, encoding: 'utf8', env });
}

test('a model of masks is trained on outlines; its served masks are as good as in validation, and are drawn', {
  timeout: 900_000,
}, async () => {
  const sets = ['min_size=64', 'max_size=64', 'box_score_threshold=0.01', 'number_of_workers=1']
    .concat(['optimizer=adamw', 'learning_rate=0.001', 'validation_metric_type=coco_voc', 'evaluation_frequency=5'])
    .concat([`validation_iou_threshold=${IOU}`, 'advanced_settings={"apply_automl_train_augmentations": false}'])
    .flatMap((one) => ['--set', one]);
  const words = ['-n', 'seen', '--epochs', '5', '--batch-size', '2', ...sets, '-o', 'json'];
  const trained = fovea('train', 'shapes', ...words);
  assert.equal(trained.status, 0, trained.stderr);
  const record = JSON.parse(trained.stdout);
  assert.equal(record.task, 'image_instance_segmentation');
  assert.equal(record.trials[0].model_name, 'maskrcnn_resnet18_fpn');
  assert.match(trained.stderr, /outlines of objects .*task image_instance_segmentation.*--task image_object_detection/);

  const evaluated = fovea('evaluate', 'seen', join('.fovea', 'jobs', 'seen', 'data', 'validation'), '-o', 'json');
  assert.equal(evaluated.status, 0, evaluated.stderr);
  const { task, metrics, per_label_metrics: labels, images } = JSON.parse(evaluated.stdout);
  assert.deepEqual([task, images], ['image_instance_segmentation', 2]);
  assert.ok(
    labels.some(({ detections }: { detections: number }) => detections > 0),
    'there is something to compare',
  );
  for (const name of ['mean_average_precision', 'precision', 'recall', 'coco_AP', 'coco_AR_100'])
    assert.ok(
      Math.abs(metrics[name] - record.metrics[name]) < 2e-3,
      `${name}: ${metrics[name]}, ${record.metrics[name]}`,
    );
  assert.ok(metrics.recall > 0);
  const text = fovea('evaluate', 'seen', 'shapes');
  assert.match(text.stdout, /mean average precision [\d.e-]+ on 10 images\n[\s\S]*AP at 0\.1\n {4}disc/);

  const predicted = fovea('predict', 'seen', 'shapes/1.png', '-o', 'json', '--pictures', 'drawn');
  assert.equal(predicted.status, 0, predicted.stderr);
  const [{ boxes, picture }] = JSON.parse(predicted.stdout);
  assert.equal(picture, join('drawn', '1.jpg'));
  for (const { polygon } of boxes as { polygon: number[][] }[])
    for (const points of polygon) {
      assert.ok(points.length >= 6 && points.length <= 200);
      assert.ok(points.every((value) => value >= 0 && value <= 1));
    }
});

test('the same data is for boxes when that is said, and boxes are no outlines', () => {
  const check = (...words: string[]) => fovea('data', 'check', ...words, '-o', 'json');
  const outlines = check('shapes');
  assert.equal(outlines.status, 0, outlines.stderr);
  const { task: found, objects } = JSON.parse(outlines.stdout);
  assert.equal(found, 'image_instance_segmentation');
  assert.equal(objects.number, 16);
  assert.equal(JSON.parse(check('shapes', '--task', 'image_object_detection').stdout).task, 'image_object_detection');
  const samples = (...words: string[]) =>
    fovea('data', 'samples', 'shapes', 'sheet.png', '--count', '1', ...words).stdout;
  assert.match(samples('--model', 'maskrcnn_resnet18_fpn'), /1 sample for maskrcnn_resnet18_fpn in training · \d box/);
  assert.match(samples('--model', 'yolov5'), /1 sample for yolov5 in training/);
  const line = { image_url: 'shapes/0.png', label: [{ label: 'disc', topX: 0, topY: 0, bottomX: 1, bottomY: 1 }] };
  writeFileSync(join(folder, 'boxes.jsonl'), `${JSON.stringify(line)}\n`);
  const boxes = check('boxes.jsonl', '--task', 'image_instance_segmentation');
  assert.equal(boxes.status, 1);
  assert.match(boxes.stdout + boxes.stderr, /polygon is missing/);
});
