import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  liveTensors,
  manualSeed,
  nn,
  noGrad,
  optim,
  rand,
  randn,
  type Tensor,
  tensor,
  tidy,
  zeros,
} from '@fovea/torch';
import recorded from '../fixtures/initial-detectors.json' with { type: 'json' };
import { buildResNet } from '../models/resnet.ts';
import { applyStateDict } from '../weights/apply-pretrained.ts';
import {
  type DetectionLosses,
  type Detections,
  type DetectionTarget,
  type Detector,
  FrozenBatchNorm2d,
  fasterRcnn,
  maskRcnn,
  retinaNet,
} from './index.ts';

const small = { backbone: 'resnet18', classes: 4, minSize: 64, maxSize: 96, boxBatchSizePerImage: 32 } as const;
const detectors = { fasterRcnn, retinaNet };

const target = (boxes: number[][], labels: number[]): DetectionTarget => ({
  boxes: boxes.length ? tensor(boxes) : zeros([0, 4]),
  labels: tensor(labels, { dtype: 'int64' }),
});
const total = (losses: DetectionLosses): Tensor => Object.values(losses).reduce((sum, loss) => sum.add(loss));

describe('the same seed gives the same network as torchvision', () => {
  for (const [name, weights] of Object.entries(recorded)) {
    test(name, () => {
      manualSeed(5);
      const makes = { ...detectors, maskRcnn };
      const state = makes[name as keyof typeof makes]({ backbone: 'resnet18', classes: 7 }).stateDict();
      for (const [key, expected] of Object.entries(weights)) {
        const found = Array.from(state.get(key)?.data() as Float32Array).slice(0, 3);
        assert.deepEqual(found, expected.map(Math.fround), key);
      }
    });
  }
});

for (const [name, make] of Object.entries(detectors)) {
  describe(name, () => {
    manualSeed(1);
    const model: Detector = make(small);
    const images = [rand([3, 60, 80]), rand([3, 50, 40])];
    const targets = [target([[10, 10, 50, 40]], [2]), target([], [])];

    test('as a module gives losses in training and detections in evaluation', () => {
      const losses = model.train().forward(images, targets) as DetectionLosses;
      assert.deepEqual(
        Object.keys(losses),
        name === 'fasterRcnn'
          ? ['classifier', 'boxRegression', 'objectness', 'rpnBoxRegression']
          : ['classification', 'boxRegression'],
      );
      assert.ok(Object.values(losses).every((loss) => Number.isFinite(loss.item()) && loss.requiresGrad));
      assert.equal((model.eval().forward(images) as Detections[]).length, 2);
      assert.throws(() => model.train().forward(images), /needs targets/);
    });

    test('detections lie in their images, best first', () => {
      const eager = make({ ...small, scoreThresh: 0, boxScoreThresh: 0 });
      // Far from the prior of 0.01, so that there is something to find.
      for (const [key, parameter] of eager.namedParameters())
        if (key.endsWith('cls_logits.bias')) nn.init.zeros_(parameter);
      const found = eager.eval().detect(images);
      for (const [index, { boxes, labels, scores }] of found.entries()) {
        const [height, width] = images[index].shape.slice(1);
        assert.ok(scores.size(0) > 0);
        assert.deepEqual(boxes.shape, [scores.size(0), 4]);
        assert.ok(boxes.min().item() >= 0);
        assert.ok(boxes.slice(1, 0, 4, 2).max().item() <= width + 1e-3);
        assert.ok(boxes.slice(1, 1, 4, 2).max().item() <= height + 1e-3);
        assert.deepEqual(scores.toArray(), scores.sort(0, true)[0].toArray());
        assert.equal(labels.dtype, 'int64');
        assert.ok(labels.min().item() >= (name === 'fasterRcnn' ? 1 : 0) && labels.max().item() < small.classes);
        assert.equal(boxes.requiresGrad, false);
      }
    });

    test('a batch of images without any box teaches the background', () => {
      const losses = noGrad(() => model.losses(images, [target([], []), target([], [])]));
      assert.ok(Number.isFinite(total(losses).item()));
      assert.equal(losses.boxRegression.item(), 0);
    });

    test('frozen stages get no gradient, and the rest does', () => {
      model.zeroGrad();
      tidy(() => total(model.losses(images, targets)).backward());
      const without = [...model.namedParameters()].filter(([, { grad }]) => grad === null).map(([key]) => key);
      assert.ok(
        without.length > 0 && without.every((key) => /^backbone\.body\.(conv1|layer1)\./.test(key)),
        `${without}`,
      );
    });

    test('a step leaves no tensors behind', () => {
      const step = (): void => tidy(() => total(model.losses(images, targets)).backward());
      step();
      const before = liveTensors();
      step();
      tidy(() => {
        model.detect(images);
      });
      assert.ok(liveTensors() <= before);
    });

    test('says what is wrong with a target, and of which image', () => {
      const one = images.slice(0, 1);
      const wrong: [DetectionTarget[], RegExp][] = [
        [[], /1 images with 0 targets/],
        [[target([[10, 10, 10, 40]], [1])], /image 0: box 0, .* has no area/],
        [[{ boxes: tensor([1, 2, 3, 4]), labels: tensor([1], { dtype: 'int64' }) }], /boxes are \[K, 4\], got \[4\]/],
        [[{ boxes: tensor([[1, 2, 3, 4]]), labels: tensor([1]) }], /labels are int64, got float32/],
        [[target([[1, 2, 3, 4]], [1, 2])], /1 boxes need labels \[1\], got \[2\]/],
      ];
      for (const [targetsOfOne, says] of wrong) assert.throws(() => model.losses(one, targetsOfOne), says);
      assert.throws(() => model.detect([]), /at least one image/);
      assert.throws(() => model.detect([rand([1, 8, 8])]), /image 0 is \[1,8,8\]; a detector takes \[3, H, W\]/);
      assert.throws(() => model.detect([rand([3, 8, 8]).to({ dtype: 'uint8' })]), /float numbers in \[0, 1\]/);
    });

    test('a few steps on one image lower its loss', () => {
      manualSeed(3);
      const learner = make({ ...small, normalisation: 'batch', trainableLayers: 5 }).train();
      const optimizer = new optim.SGD(learner.parameters(), { learningRate: 0.005, momentum: 0.9 });
      const pair = [images[0], images[0]];
      const losses = Array.from({ length: 8 }, () =>
        tidy(() => {
          optimizer.zeroGrad();
          const loss = total(learner.losses(pair, [targets[0], targets[0]]));
          loss.backward();
          optimizer.step();
          return loss.item();
        }),
      );
      assert.ok(losses[7] < losses[0] * 0.9, `${losses}`);
    });
  });
}

test('a frozen batch norm is an affine map that training leaves alone', () => {
  const frozen = new FrozenBatchNorm2d(3, { eps: 0 });
  noGrad(() => {
    frozen.weight.copy_(tensor([1, 2, 3]));
    frozen.bias.copy_(tensor([0, 1, 0]));
    frozen.running_mean.copy_(tensor([0, 0, 5]));
    frozen.running_var.copy_(tensor([1, 4, 9]));
  });
  const x = randn([2, 3, 4, 4]);
  const expected = x.sub(tensor([0, 0, 5]).reshape([3, 1, 1])).add(tensor([0, 1, 0]).reshape([3, 1, 1]));
  assert.ok(frozen.train().forward(x).sub(expected).abs().max().item() < 1e-6);
  assert.deepEqual(frozen.running_mean.toArray(), [0, 0, 5]);
  assert.equal(frozen.parameters().length, 0);
  assert.deepEqual([...frozen.stateDict().keys()], ['weight', 'bias', 'running_mean', 'running_var']);
});

test("a classifier's weights are a backbone's, and those of a detector from before torchvision 0.13 a detector's", () => {
  const classifier = buildResNet('resnet18', 1000);
  const model = fasterRcnn(small);
  const report = applyStateDict(model.backbone.body, classifier.stateDict());
  assert.equal(report.loaded.length, model.backbone.body.stateDict().size);
  assert.ok(report.unexpected.every((name) => name.endsWith('num_batches_tracked')));
  assert.ok(
    model.backbone.body.layer4
      .stateDict()
      .get('1.conv2.weight')
      ?.equal(classifier.layer4.stateDict().get('1.conv2.weight') as Tensor),
  );

  const older = (name: string): string =>
    name.replace(/(fpn\.\w+_blocks\.\d)\.0\./, '$1.').replace('rpn.head.conv.0.0.', 'rpn.head.conv.');
  const state = new Map([...fasterRcnn(small).stateDict()].map(([name, values]) => [older(name), values]));
  assert.ok(state.has('rpn.head.conv.weight') && state.has('backbone.fpn.inner_blocks.0.weight'));
  applyStateDict(model, state);
  assert.ok(
    model.rpn.head
      .stateDict()
      .get('conv.0.0.weight')
      ?.equal(state.get('rpn.head.conv.weight') as Tensor),
  );
});

test('a backbone with fewer than none or more than all layers learning is refused', () => {
  assert.throws(() => fasterRcnn({ ...small, trainableLayers: 6 }), /trainableLayers counts .* got 6/);
});
