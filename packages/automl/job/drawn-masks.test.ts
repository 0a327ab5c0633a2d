import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { drawnObjectsJob, drawObjects } from '../fixtures/drawn-objects.ts';
import { runJob } from './run-job.ts';

test('Mask R-CNN learns from random weights which pixels are those of drawn shapes', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-drawn-masks-'));
  t.after(() => rmSync(folder, { recursive: true }));
  await drawObjects(folder, { training: 96, validation: 32 }, { radii: [13, 21], outlines: true });
  const job = drawnObjectsJob({
    model: 'maskrcnn_resnet18_fpn',
    parameters: [
      'min_size: 96, max_size: 96, training_batch_size: 8, validation_batch_size: 8',
      'optimizer: adamw, learning_rate: 0.0005',
      'number_of_epochs: 8, evaluation_frequency: 8, early_stopping: false',
      // Expanded images would show shapes smaller than the smallest anchors.
      `advanced_settings: '{"apply_automl_train_augmentations": false}'`,
    ].join(', '),
    more: 'validation_data: {path: validation.jsonl}',
  });
  const { status, metrics } = await runJob(job, {
    workspace: join(folder, 'workspace'),
    baseFolder: folder,
    weights: 'none',
  });
  assert.equal(status, 'Completed');
  assert.ok(metrics.mean_average_precision >= 0.85, `mask mAP@0.5 is ${metrics.mean_average_precision}`);
});
