import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trainOnDrawnObjects } from '../fixtures/train-on-drawn-objects.ts';

test('yolov5 learns from random weights to find drawn shapes', async (t) => {
  const precision = await trainOnDrawnObjects(t, {
    model: 'yolov5',
    training: 200,
    validation: 40,
    parameters: [
      'model_size: small, image_size: 128, training_batch_size: 8, validation_batch_size: 20',
      'optimizer: adamw, learning_rate: 0.002, weight_decay: 0.0005',
      'number_of_epochs: 30, evaluation_frequency: 10',
      `advanced_settings: '{"apply_mosaic_for_yolo": false}'`,
    ],
  });
  assert.ok(precision >= 0.9, `mAP@0.5 is ${precision}`);
});
