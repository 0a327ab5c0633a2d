import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { drawnObjectsJob, drawObjects } from '../fixtures/drawn-objects.ts';
import { runJob } from './run-job.ts';

test('yolov5 learns from random weights to find drawn shapes', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-drawn-yolov5-'));
  t.after(() => rmSync(folder, { recursive: true }));
  await drawObjects(folder, { training: 200, validation: 40 });
  const job = drawnObjectsJob({
    model: 'yolov5',
    parameters: [
      'model_size: small, image_size: 128, training_batch_size: 8, validation_batch_size: 20',
      'optimizer: adamw, learning_rate: 0.002, weight_decay: 0.0005',
      'number_of_epochs: 30, evaluation_frequency: 10, early_stopping: false',
      `advanced_settings: '{"apply_mosaic_for_yolo": false}'`,
    ].join(', '),
    more: 'validation_data: {path: validation.jsonl}',
  });
  const { status, metrics } = await runJob(job, {
    workspace: join(folder, 'workspace'),
    baseFolder: folder,
    weights: 'none',
  });
  assert.equal(status, 'Completed');
  assert.ok(metrics.mean_average_precision >= 0.9, `mAP@0.5 is ${metrics.mean_average_precision}`);
});
