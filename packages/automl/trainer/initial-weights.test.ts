import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { manualSeed, type Tensor, writeSafetensors } from '@fovea/torch';
import { findDetector, maskRcnn } from '@fovea/vision';
import { findDetectorWeights, initialiseDetector } from './initial-weights.ts';

const folder = mkdtempSync(join(tmpdir(), 'fovea-initial-'));
after(() => rmSync(folder, { recursive: true }));

test('Mask R-CNN learned on other objects gets new predictors of classes and masks, and keeps all else', async () => {
  const path = join(folder, 'published.safetensors');
  // As many classes, so that shapes alone would not tell the heads apart.
  manualSeed(1);
  const published = maskRcnn({ backbone: 'resnet18', classes: 3 }).stateDict();
  await writeSafetensors(path, published);
  const entry = findDetector('maskrcnn_resnet18_fpn');
  manualSeed(2);
  const settings = { classes: 2, scoreThreshold: 0.3, nmsIouThreshold: 0.5 };
  const { signal } = new AbortController();
  const start = { classes: ['cat', 'dog'], earlier: null, choice: path, report: () => {}, signal };
  const weights = await findDetectorWeights(entry, {}, start);
  const { detector, origin } = await initialiseDetector(entry, settings, weights, start);
  assert.deepEqual(origin, { pretrained: true, weights: path, licence: null });
  const others = [...detector.network.stateDict()]
    .filter(([name, values]) => !values.equal(published.get(name) as Tensor))
    .map(([name]) => name);
  assert.deepEqual(
    others,
    ['box_predictor.cls_score', 'box_predictor.bbox_pred', 'mask_predictor.mask_fcn_logits'].flatMap((layer) => [
      `roi_heads.${layer}.weight`,
      `roi_heads.${layer}.bias`,
    ]),
  );
});
