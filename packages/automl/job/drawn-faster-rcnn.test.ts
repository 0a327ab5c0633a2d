import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trainOnDrawnObjects } from '../fixtures/train-on-drawn-objects.ts';

test('Faster R-CNN learns from random weights to find drawn shapes', async (t) => {
  const precision = await trainOnDrawnObjects(t, {
    model: 'fasterrcnn_resnet18_fpn',
    training: 96,
    validation: 32,
    drawing: { radii: [13, 21] },
    parameters: [
      'min_size: 96, max_size: 96, training_batch_size: 2, validation_batch_size: 8',
      'optimizer: adamw, learning_rate: 0.0005',
      'number_of_epochs: 6, evaluation_frequency: 6',
      // Expanded images would show shapes smaller than the smallest anchors.
      `advanced_settings: '{"apply_automl_train_augmentations": false}'`,
    ],
  });
  assert.ok(precision >= 0.9, `mAP@0.5 is ${precision}`);
});
