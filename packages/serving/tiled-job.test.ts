import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { freshTrial, modelFolderOf, parseJob, prepareJob, type RunEvent, runJobTrial } from '@fovea/automl';
import { DetectionLog, detectionMetrics } from '@fovea/automl/metrics';
import { ImageCache } from '@fovea/data';
import sharp from 'sharp';
import { openModel } from './index.ts';

interface Row {
  image_url: string;
  image_details: { width: number; height: number };
  label: { label: string; topX: number; topY: number; bottomX: number; bottomY: number }[];
}
const CLASSES = ['bright', 'dark'];
/** A network that has seen little finds little better than this. */
const IOU = 0.1;

/** Pictures of different sizes with small squares in all corners, as JSONL. */
async function draw(folder: string, half: string, count: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (let i = 0; i < count; i++) {
    const [width, height] = [120 + 8 * i, 100 + 12 * (i % 3)];
    const side = 24 + 4 * (i % 4);
    const squares = [
      [10 + i, 12],
      [width - side - 9, 20 + i],
      [width >> 1, height - side - 10],
      [14, height - side - 14],
    ].slice(i % 2);
    const label = squares.map(([x, y], k) => ({
      ...{ label: CLASSES[(i + k) % 2], topX: x / width, topY: y / height },
      ...{ bottomX: (x + side) / width, bottomY: (y + side) / height },
    }));
    const shapes = squares.map(([x, y], k) => {
      const ink = (i + k) % 2 === 0 ? '#fff' : '#111';
      return `<rect x="${x}" y="${y}" width="${side}" height="${side}" fill="${ink}"/>`;
    });
    const svg = `<svg width="${width}" height="${height}"><rect width="100%" height="100%" fill="#678"/>${shapes.join('')}</svg>`;
    const image_url = `images/${half}-${i}.png`;
    await sharp(Buffer.from(svg)).png().toFile(join(folder, image_url));
    rows.push({ image_url, image_details: { width, height }, label });
  }
  await writeFile(join(folder, `${half}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return rows;
}

for (const [model, parameters] of [
  ['yolov5', 'model_size: small, image_size: 64, box_score_threshold: 0.0001'],
  ['fasterrcnn_resnet18_fpn', 'min_size: 32, max_size: 48, box_score_threshold: 0.01, box_detections_per_image: 40'],
]) {
  test(`${model}: what a job with tiles trains is served with tiles, as well as validation measured it`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'fovea-tiles-'));
    t.after(() => rm(folder, { recursive: true }));
    await mkdir(join(folder, 'images'));
    await draw(folder, 'train', 10);
    const rows = await draw(folder, 'validation', 3);
    const { job } = parseJob(
      `type: automl
task: image_object_detection
target_column_name: label
training_data: {path: train.jsonl}
validation_data: {path: validation.jsonl}
training_parameters: {model_name: ${model}, ${parameters}, number_of_epochs: 1, training_batch_size: 4, validation_batch_size: 1,
  number_of_workers: 1, validation_metric_type: voc, validation_iou_threshold: ${IOU}, tile_grid_size: "(2, 1)", tile_predictions_nms_threshold: 0.4}`,
      { file: 'job.yml' },
    );
    assert.ok(job);
    const said: string[] = [];
    let steps = 0;
    const jobFolder = join(folder, 'job');
    const signal = new AbortController().signal;
    const report = (event: RunEvent) => {
      if (event.type === 'log') said.push(event.message);
      if (event.type === 'step') steps = event.steps;
    };
    const setting = await prepareJob(
      job,
      { baseFolder: folder, weights: 'none', fitToData: false },
      { folder: jobFolder, cacheFolder: folder, findRun: async () => null, resumes: false, report, signal },
    );
    const record = freshTrial('tiles', 0);
    const imageCache = ImageCache.create({ folder: join(folder, 'cache') });
    await runJobTrial(
      { job: { ...job, name: 'tiles' }, setting, draw: {}, record, folder: jobFolder, cacheFolder: folder, imageCache },
      { threads: 2, report, signal, isTimeUp: () => false, keep: async () => {}, endsBecause: async () => null },
    );
    const { status, metrics: measured } = record;
    const served = modelFolderOf(join(jobFolder, record.name));
    assert.equal(status, 'Completed');
    assert.ok(said.includes('in 2x1 tiles besides: 10 images count as 30 in training, 3 as 9 in validation'));
    assert.equal(steps, 8);

    const settings = JSON.parse(await readFile(join(served, 'artifacts/settings.json'), 'utf8'));
    assert.deepEqual(
      [settings.tile_grid_size, settings.tile_overlap_ratio, settings.tile_predictions_nms_thresh],
      ['2x1', 0.25, 0.4],
    );

    const network = await openModel(served, { threads: 1 });
    t.after(() => network.close());
    assert.ok(network.task === 'image_object_detection');
    const answers = await network.predict(rows.map(({ image_url }) => join(folder, image_url)));
    const log = new DetectionLog(CLASSES.length);
    for (const [i, answer] of answers.entries()) {
      assert.ok('boxes' in answer);
      const { width, height } = rows[i].image_details;
      const corners = (box: { topX: number; topY: number; bottomX: number; bottomY: number }) => [
        ...[box.topX * width, box.topY * height, box.bottomX * width, box.bottomY * height],
      ];
      const { label } = rows[i];
      log.addImage(
        { boxes: label.flatMap(corners), labels: label.map((object) => CLASSES.indexOf(object.label)) },
        {
          boxes: answer.boxes.flatMap(({ box }) => corners(box)),
          labels: answer.boxes.map((found) => CLASSES.indexOf(found.label)),
          scores: answer.boxes.map(({ score }) => score),
        },
      );
    }
    const boxes = answers.map((answer) => ('boxes' in answer ? answer.boxes.length : 0));
    assert.ok(Math.min(...boxes) > 5, 'there is much to compare');
    const { metrics } = detectionMetrics(log.records(), CLASSES, { type: 'voc', iouThreshold: IOU });
    // Scores of a network that has seen so little are nearly equal, and which of two comes first may differ in the last bit.
    for (const [name, tolerance] of [
      ['mean_average_precision', 0.05],
      ['precision', 0.005],
      ['recall', 0.005],
    ] as const) {
      const value = metrics[name] ?? Number.NaN;
      const difference = Math.abs(value - measured[name]);
      assert.ok(difference < tolerance, `${name}: served ${value}, measured ${measured[name]}`);
    }
    assert.ok(measured.recall > 0);
  });
}
