import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trainOnDrawnObjects } from '../fixtures/train-on-drawn-objects.ts';

test('RetinaNet learns from random weights to find drawn shapes', async (t) => {
  const precision = await trainOnDrawnObjects(t, {
    model: 'retinanet_resnet50_fpn',
    training: 96,
    validation: 32,
    drawing: { radii: [13, 21], ownInks: true },
    parameters: [
      'min_size: 96, max_size: 96, training_batch_size: 8, validation_batch_size: 8',
      'optimizer: adamw, learning_rate: 0.0002, box_score_threshold: 0.05',
      'number_of_epochs: 36, evaluation_frequency: 36',
      // Expanded images would show shapes smaller than the smallest anchors.
      `advanced_settings: '{"apply_automl_train_augmentations": false}'`,
    ],
  });
  assert.ok(precision >= 0.9, `mAP@0.5 is ${precision}`);
});
