import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSafetensors } from '@fovea/torch';
import { drawnObjectsJob, drawObjects } from '../fixtures/drawn-objects.ts';
import { runHere } from '../fixtures/run-here.ts';
import { MASK_DEFAULTS } from '../model-folder/mask-settings.ts';
import { readModelFolder } from '../model-folder/read.ts';
import { modelFolderOf } from '../trainer/trial-paths.ts';
import type { EpochRecord } from './job-record.ts';

/** Names and random numbers depend on nothing else, so these epochs are the same each time. */
const figures = (epochs: readonly EpochRecord[]) =>
  epochs.map(({ metrics: { images_per_second: _, data_wait_fraction: __, ...metrics } }) => metrics);

const jobs = [
  {
    model: 'yolov5',
    parameters: 'model_size: small, image_size: 64, training_batch_size: 4, validation_batch_size: 3',
    terms: ['box', 'objectness', 'classes'],
    averaged: true,
  },
  {
    model: 'fasterrcnn_resnet18_fpn',
    parameters: 'min_size: 48, max_size: 64, training_batch_size: 2, validation_batch_size: 3',
    terms: ['classifier', 'box_regression', 'objectness', 'rpn_box_regression'],
    averaged: false,
  },
  {
    model: 'maskrcnn_resnet18_fpn',
    parameters: 'min_size: 48, max_size: 64, training_batch_size: 2, validation_batch_size: 3',
    terms: ['classifier', 'box_regression', 'mask', 'objectness', 'rpn_box_regression'],
    averaged: false,
  },
];

for (const { model, parameters, terms, averaged } of jobs) {
  test(`${model}: a job trains from annotations to tables, and goes on after it was cut off`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'fovea-detection-'));
    t.after(() => rmSync(folder, { recursive: true }));
    await drawObjects(folder, { training: 12 }, { outlines: model.startsWith('maskrcnn') });
    const job = drawnObjectsJob({
      model,
      parameters: `${parameters}, number_of_epochs: 2, checkpoint_frequency: 1, number_of_workers: 1`,
      more: 'validation_data_size: 0.25',
    });
    const options = { workspace: join(folder, 'workspace'), baseFolder: folder, weights: 'none' };
    const whole = await runHere({ ...job, name: 'whole' }, options);
    assert.equal(whole.status, 'Completed');
    const { epochs, best_epoch, hyperparameters } = whole;
    assert.equal(epochs.length, 2);
    assert.ok(best_epoch);
    assert.equal(hyperparameters.model_name, model);
    for (const { metrics } of epochs) {
      assert.ok(metrics.mean_average_precision >= 0 && metrics.mean_average_precision <= 1);
      const sum = terms.reduce((all, term) => all + metrics[`train_${term}_loss`], 0);
      assert.ok(Math.abs(metrics.train_loss - sum) < 1e-4 * sum);
    }
    const artifacts = join(whole.folder, 'train_artifacts');
    const { data } = JSON.parse(readFileSync(join(artifacts, 'confusion_matrix.json'), 'utf8'));
    assert.equal(data.class_labels.at(-1), 'background');
    assert.ok(existsSync(join(artifacts, 'precision_recall_curve.json')));
    assert.match(readFileSync(join(artifacts, 'report.html'), 'utf8'), /average precision/);

    const served = await readModelFolder(modelFolderOf(whole.folder));
    assert.deepEqual(served.labels, ['disc', 'square', 'triangle']);
    assert.equal(served.modelName, model);
    assert.equal(served.task, job.task);
    if (served.task === 'image_instance_segmentation') {
      const regions = { min_size: 48, max_size: 64, box_score_thresh: 0.3, nms_iou_thresh: 0.5 };
      assert.deepEqual(served.settings, { ...regions, box_detections_per_img: 100, ...MASK_DEFAULTS });
    }

    const stop = new AbortController();
    const cut = await runHere(
      { ...job, name: 'cut' },
      {
        ...options,
        signal: stop.signal,
        onEvent: (event) => {
          if (event.type === 'step' && event.epoch === 2) stop.abort();
        },
      },
    );
    assert.equal(cut.status, 'Canceled');
    const resumed = await runHere({ ...job, name: 'cut' }, options);
    assert.equal(resumed.status, 'Completed');
    assert.deepEqual(figures(resumed.epochs), figures(epochs));

    const weights = ({ folder }: { folder: string }) =>
      join(folder, 'train_artifacts', 'checkpoint_epoch_2.safetensors');
    assert.ok(readFileSync(weights(resumed)).equals(readFileSync(weights(whole))));
    const kept = await readSafetensors(weights(whole));
    const last = await readSafetensors(join(whole.folder, 'checkpoints', 'last.safetensors'));
    const isServed = (prefix: string) =>
      [...kept].every(
        ([name, tensor]) =>
          last
            .get(prefix + name)
            ?.sub(tensor)
            .abs()
            .sum()
            .item() === 0,
      );
    assert.deepEqual([isServed('model.'), isServed('average.')], averaged ? [false, true] : [true, false]);
  });
}
