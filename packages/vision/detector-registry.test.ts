import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ones, rand, tensor, tidy } from '@fovea/torch';
import { detector, detectorNames, findDetector, freezeStages } from './index.ts';

const SETTINGS = {
  classes: 3,
  minSize: 64,
  maxSize: 96,
  imageSize: 64,
  modelSize: 'small',
  scoreThreshold: 0.05,
  nmsIouThreshold: 0.5,
  detectionsPerImage: 10,
  learnsNormalisation: true,
};

test('every detector says where its weights come from, or whose backbone it takes', () => {
  assert.equal(detectorNames('boxes').length, 7);
  assert.equal(detectorNames('masks').length, 5);
  for (const name of detectorNames()) {
    const entry = findDetector(name);
    const weights = entry.weightsOf({ modelSize: 'large' });
    assert.ok(weights || entry.backbone, name);
    if (weights) assert.ok(weights.licence && weights.url.startsWith('https://'), name);
  }
  assert.throws(() => findDetector('yolov9'), /no detector called "yolov9"; there are fasterrcnn_resnet18_fpn/);
  assert.throws(() => detector(findDetector('yolov5')), /already/);
});

for (const name of ['fasterrcnn_resnet18_fpn', 'maskrcnn_resnet18_fpn', 'retinanet_resnet50_fpn', 'yolov5']) {
  test(`${name}: prefixes name parameters, frozen ones get no gradient, classes count from 0`, () => {
    const entry = findDetector(name);
    const { network, losses, detect } = bound(entry.build(SETTINGS));
    const names = [...network.namedParameters()].map(([parameter]) => parameter);
    for (const prefix of [entry.freeze, entry.head].flat(2)) {
      assert.ok(
        names.some((parameter) => parameter.startsWith(prefix)),
        prefix,
      );
    }
    freezeStages(network, entry, entry.freeze.length);
    assert.throws(() => freezeStages(network, entry, entry.freeze.length + 1), /layers_to_freeze/);
    tidy(() => {
      const input = { images: rand([2, 3, 64, 96]), sizes: [size(96), size(80)] };
      const boxes = tensor([
        [4, 4, 40, 40],
        [30, 10, 70, 60],
      ]);
      const targetOf = (width: number) => {
        const target = { boxes, labels: tensor([0, 2], { dtype: 'int64' }) };
        return entry.finds === 'masks' ? { ...target, masks: ones([2, 64, width], { dtype: 'uint8' }) } : target;
      };
      const terms = Object.values(losses(input, [targetOf(96), targetOf(80)]));
      terms
        .slice(1)
        .reduce((sum, term) => sum.add(term), terms[0])
        .backward();
    });
    for (const [parameter, { grad }] of network.namedParameters()) {
      const isFrozen = entry.freeze.flat().some((prefix) => parameter.startsWith(prefix));
      assert.equal(grad === null, isFrozen, parameter);
    }
    network.eval();
    tidy(() => {
      for (const { boxes, labels, masks } of detect({ images: rand([1, 3, 64, 96]), sizes: [size(96)] })) {
        assert.deepEqual(masks?.shape, entry.finds === 'masks' ? [boxes.size(0), 28, 28] : undefined);
        for (const label of labels.toArray() as number[]) assert.ok(Number(label) >= 0 && Number(label) < 3);
      }
    });
  });
}

const size = (width: number) => ({ width, height: 64 });

type Built = ReturnType<ReturnType<typeof findDetector>['build']>;

const bound = (built: Built) => ({
  network: built.network,
  losses: (input: Parameters<Built['losses']>[0], targets: Parameters<Built['losses']>[1]) =>
    built.losses(input, targets, (forward) => forward()),
  detect: (input: Parameters<Built['detect']>[0]) => built.detect(input),
});
