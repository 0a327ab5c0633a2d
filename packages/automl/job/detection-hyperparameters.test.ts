import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { drawnObjectsJob, drawObjects } from '../fixtures/drawn-objects.ts';
import { runHere } from '../fixtures/run-here.ts';
import { readModelFolder } from '../model-folder/read.ts';
import { modelFolderOf } from '../trainer/trial-paths.ts';

async function trained(t: TestContext, model: string, parameters: string) {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-detection-'));
  t.after(() => rmSync(folder, { recursive: true }));
  await drawObjects(folder, { training: 12 });
  const job = drawnObjectsJob({ model, parameters: `${parameters}, number_of_workers: 1` });
  const workspace = join(folder, 'workspace');
  const trial = await runHere({ ...job, name: 'drawn' }, { workspace, baseFolder: folder, weights: 'none' });
  assert.equal(trial.status, 'Completed', trial.error ?? '');
  return { trial, model: modelFolderOf(trial.folder), artifacts: join(trial.folder, 'train_artifacts') };
}

test('without metrics all epochs are trained, and the last weights are kept; batch size, checkpoints and ONNX as the job wants', async (t) => {
  const {
    trial,
    model: served,
    artifacts,
  } = await trained(
    t,
    'yolov5',
    'model_size: small, image_size: 64, validation_metric_type: none, training_batch_size: auto, validation_batch_size: auto, number_of_epochs: 3, evaluation_frequency: 2, checkpoint_frequency: 1, early_stopping_patience: 1, early_stopping_delay: 1, multi_scale: true, enable_onnx_normalization: true',
  );
  assert.deepEqual(
    trial.epochs.map(({ epoch }) => epoch),
    [2, 3],
  );
  assert.equal(trial.best_epoch, 3);
  assert.equal(trial.metrics.mean_average_precision, undefined);
  assert.ok(trial.metrics.train_loss > 0);
  assert.ok(Number.isInteger(trial.hyperparameters.training_batch_size));
  for (const epoch of [1, 2, 3]) assert.ok(existsSync(join(artifacts, `checkpoint_epoch_${epoch}.safetensors`)));
  const model = await readModelFolder(served);
  assert.equal(model.input.normalised_in_graph, true);
});

test('metrics of both kinds, at the overlap that the job wants; thresholds are in the model folder', async (t) => {
  const {
    trial,
    model: served,
    artifacts,
  } = await trained(
    t,
    'fasterrcnn_resnet18_fpn',
    'min_size: 48, max_size: 64, number_of_epochs: 1, training_batch_size: 4, validation_metric_type: coco_voc, validation_iou_threshold: 0.3, box_score_threshold: 0.05, nms_iou_threshold: 0.4, box_detections_per_image: 7, layers_to_freeze: 1',
  );
  const { metrics } = trial;
  assert.ok(metrics.mean_average_precision >= 0);
  assert.ok(metrics.coco_AP >= 0);
  const table = JSON.parse(readFileSync(join(artifacts, 'per_label_metrics.json'), 'utf8'));
  assert.equal(table.data.iou_threshold, 0.3);
  const { settings } = await readModelFolder(served);
  assert.deepEqual(
    { ...settings },
    {
      ...settings,
      ...{ min_size: 48, max_size: 64, box_score_thresh: 0.05, nms_iou_thresh: 0.4, box_detections_per_img: 7 },
    },
  );
});
