import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { autocast } from '../autocast.ts';
import { linspace, ones, randint, randn, tensor } from '../create.ts';
import recorded from '../fixtures/nn.json' with { type: 'json' };
import { manualSeed } from '../random.ts';
import type { Tensor } from '../tensor.ts';
import {
  AdaptiveAvgPool2d,
  AvgPool2d,
  BatchNorm2d,
  Conv2d,
  Dropout,
  functional,
  LayerNorm,
  MaxPool2d,
  type Module,
  ReLU6,
  Sequential,
} from './index.ts';

function assertClose(found: Tensor, expected: readonly number[], tolerance = 1e-6): void {
  const values = Array.from(found.data() as ArrayLike<number>, Number).slice(0, expected.length);
  assert.equal(values.length, expected.length);
  for (const [i, value] of values.entries()) {
    assert.ok(
      Math.abs(value - expected[i]) <= tolerance * Math.max(1, Math.abs(expected[i])),
      `${value}, not ${expected[i]}`,
    );
  }
}

describe('batch norm', () => {
  for (const [momentum, expected] of Object.entries(recorded.batch_norm)) {
    test(`with momentum ${momentum} is PyTorch's, in training and in evaluation`, () => {
      manualSeed(7);
      const module = new BatchNorm2d(3, { momentum: JSON.parse(momentum) });
      let trained = ones([1]);
      for (let i = 0; i < 3; i++) trained = module.forward(randn([4, 3, 5, 5]).mul(2).add(1));
      assertClose(trained, expected.trained);
      assertClose(module.eval().forward(randn([2, 3, 5, 5])), expected.evaluated);
      for (const name of ['running_mean', 'running_var', 'num_batches_tracked'] as const) {
        assertClose(module.stateDict().get(name) as Tensor, expected[name]);
      }
    });
  }

  test('without running statistics normalises by the batch in evaluation too', () => {
    const norm = new BatchNorm2d(2, { trackRunningStats: false, affine: false });
    const y = norm.eval().forward(randn([8, 2, 4, 4]).add(9));
    assert.ok(Math.abs(y.mean().item()) < 1e-5);
  });
});

test("layer norm is PyTorch's", () => {
  manualSeed(7);
  assertClose(new LayerNorm(6).forward(randn([2, 6]).mul(3)), recorded.layer_norm);
});

describe("pooling is PyTorch's", () => {
  const modules: Record<keyof typeof recorded.pooling, Module> = {
    max: new MaxPool2d(3, { stride: 2, padding: 1, ceilMode: true }),
    average: new AvgPool2d(3, { stride: 2, padding: 1, countIncludePad: false }),
    adaptive: new AdaptiveAvgPool2d([2, 3]),
  };
  for (const [name, module] of Object.entries(modules)) {
    test(name, () => {
      manualSeed(7);
      assertClose(module.forward(randn([1, 2, 7, 8])), recorded.pooling[name as keyof typeof modules]);
    });
  }
});

describe('dropout', () => {
  test('drops the same elements as PyTorch, and none in evaluation', () => {
    manualSeed(7);
    const dropout = new Dropout(0.3);
    const x = ones([12]);
    assertClose(dropout.forward(x), recorded.dropout);
    assert.equal(dropout.eval().forward(x), x);
  });

  test('takes probabilities only', () => assert.throws(() => new Dropout(1.5), /p is 1.5/));
});

test('a convolution says which channels and groups do not go together', () => {
  assert.throws(() => new Conv2d(3, 4, 1, { groups: 2 }), /3 and 4 channels do not divide into 2 groups/);
});

describe('under autocast', () => {
  test('convolution, batch norm and ReLU6 learn in bfloat16', () => {
    const model = new Sequential(new Conv2d(3, 4, 3), new BatchNorm2d(4), new ReLU6({ inplace: true }));
    const y = autocast({ dtype: 'bfloat16' }, () => model.forward(randn([2, 3, 8, 8])));
    assert.equal(y.dtype, 'bfloat16');
    y.float().sum().backward();
    assert.ok(model.parameters().every((parameter) => parameter.grad?.dtype === 'float32'));
  });

  test('losses stay float32', () => {
    const logits = randn([4, 3]).to({ dtype: 'bfloat16' });
    const target = tensor([0, 1, 2, 0], { dtype: 'int64' });
    const loss = autocast({ dtype: 'bfloat16' }, () => functional.crossEntropy(logits, target));
    assert.equal(loss.dtype, 'float32');
  });
});

test('ReLU6 bends at 0 and at 6, in every dtype', () => {
  for (const dtype of ['float32', 'bfloat16'] as const) {
    const y = new ReLU6().forward(linspace(-2, 8, 6).to({ dtype }));
    assert.deepEqual(y.toArray(), [0, 0, 2, 4, 6, 6]);
  }
});

describe("losses are PyTorch's", () => {
  manualSeed(7);
  const logits = randn([5, 4]);
  const target = tensor([0, 3, 1, -100, 2], { dtype: 'int64' });
  const labels = randint(0, 2, [5, 4]).float();
  const weight = tensor([1, 2, 3, 4]);
  const figures: Record<keyof typeof recorded.losses, Tensor> = {
    cross_entropy: functional.crossEntropy(logits, target, { weight, labelSmoothing: 0.1 }),
    cross_entropy_each: functional.crossEntropy(logits, target, { reduction: 'none' }),
    binary_cross_entropy: functional.binaryCrossEntropyWithLogits(logits, labels, { weight, posWeight: weight }),
    mse: functional.mseLoss(logits, labels),
    smooth_l1: functional.smoothL1Loss(logits, labels, { beta: 0.3 }),
    smooth_l1_of_beta_0: functional.smoothL1Loss(logits, labels, { beta: 0 }),
  };
  for (const [name, found] of Object.entries(figures)) {
    test(name, () => assertClose(found, recorded.losses[name as keyof typeof figures]));
  }
});
