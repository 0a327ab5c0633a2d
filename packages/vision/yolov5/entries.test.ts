import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manualSeed, rand, tensor } from '@fovea/torch';
import { findDetector } from '../detector-registry.ts';
import './entries.ts';

test('objectness counts by the size that a job names, whatever size a batch of multi_scale has', () => {
  const losses = (imageSize: number, batchSize: number) => {
    manualSeed(2);
    const settings = { classes: 3, modelSize: 'small', scoreThreshold: 0.1, nmsIouThreshold: 0.5 };
    const detector = findDetector('yolov5').build({ ...settings, imageSize, learnsNormalisation: true });
    const target = { boxes: tensor([[4, 8, 40, 44]]), labels: tensor([1], { dtype: 'int64' }) };
    const sizes = [0, 1].map(() => ({ width: batchSize, height: batchSize }));
    const input = { images: rand([2, 3, batchSize, batchSize]), sizes };
    const terms = detector.losses(input, [target, target], (forward) => forward());
    return Object.fromEntries(Object.entries(terms).map(([name, term]) => [name, term.item()]));
  };
  const [own, larger] = [losses(64, 64), losses(128, 64)];
  assert.ok(Math.abs(larger.objectness / own.objectness - 4) < 1e-4);
  assert.deepEqual([larger.box, larger.classes], [own.box, own.classes]);
});
