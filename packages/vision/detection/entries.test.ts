import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manualSeed, rand, tensor, tidy } from '@fovea/torch';
import { findDetector } from '../index.ts';
import type { FasterRcnn } from './faster-rcnn.ts';
import type { RetinaNet } from './retinanet.ts';

test('Faster R-CNN looks at as many regions as torchvision from the documented size on, and at fewer of small images', () => {
  for (const [minSize, learned, judged] of [
    [undefined, 512, 1000],
    [400, 228, 444],
    [96, 64, 300],
  ] as const) {
    manualSeed(1);
    tidy(() => {
      const { network } = findDetector('fasterrcnn_resnet18_fpn').build({
        classes: 2,
        minSize,
        scoreThreshold: 0.3,
        nmsIouThreshold: 0.5,
        learnsNormalisation: true,
      });
      const { rpn, roi_heads } = network as FasterRcnn;
      assert.equal(rpn.inference.postNmsTopN, judged);
      const corners = rand([2000, 2]).mul(200);
      const proposals = [tensor((corners.toArray() as number[][]).map(([x, y]) => [x, y, x + 20, y + 20]))];
      const samples = roi_heads.sample(proposals, [
        { boxes: tensor([[10, 10, 40, 40]]), labels: tensor([1], { dtype: 'int64' }) },
      ]);
      assert.equal(samples.labels[0].size(0), learned);
    });
  }
});

test('features go through the head of a RetinaNet that begins with random weights, and published ones find it as it was', () => {
  const spreadOf = (learnsNormalisation: boolean) =>
    tidy(() => {
      manualSeed(1);
      const settings = { classes: 2, scoreThreshold: 0.3, nmsIouThreshold: 0.5, learnsNormalisation };
      const { head } = findDetector('retinanet_resnet50_fpn').build(settings).network as RetinaNet;
      const trunk = head.regression_head.conv;
      return Number(
        trunk
          .forward(rand([1, 256, 8, 8]))
          .std()
          .item(),
      );
    });
  assert.ok(spreadOf(true) > 0.2);
  assert.ok(spreadOf(false) < 0.01);
});
