import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manualSeed, noGrad, ones, rand, tensor, tidy } from '@fovea/torch';
import { findDetector } from '../index.ts';

test('the masks of a new Mask R-CNN are nearly undecided, however large its features', () => {
  for (const seed of [1, 2, 3]) {
    manualSeed(seed);
    tidy(() => {
      const detector = findDetector('maskrcnn_resnet18_fpn').build({
        classes: 2,
        minSize: 64,
        maxSize: 96,
        scoreThreshold: 0.3,
        nmsIouThreshold: 0.5,
        learnsNormalisation: true,
      });
      const input = { images: rand([1, 3, 64, 96]), sizes: [{ height: 64, width: 96 }] };
      const target = {
        boxes: tensor([[10, 10, 50, 40]]),
        labels: tensor([1], { dtype: 'int64' }),
        masks: ones([1, 64, 96], { dtype: 'uint8' }),
      };
      const { mask } = noGrad(() => detector.losses(input, [target], (forward) => forward()));
      // ln 2 is what one half for every pixel costs.
      assert.ok(mask.item() < 1.5 * Math.LN2, String(mask.item()));
    });
  }
});
