import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { empty } from '../create.ts';
import recorded from '../fixtures/nn.json' with { type: 'json' };
import { manualSeed } from '../random.ts';
import type { Tensor } from '../tensor.ts';
import { Conv2d, init, LayerNorm, Linear, type Module } from './index.ts';

const leading = (tensor: Tensor): number[] => Array.from(tensor.data() as Float32Array).slice(0, 12);

describe('the same seed gives the same weights as in PyTorch, to the last bit', () => {
  const modules: Record<keyof typeof recorded.initial, () => Module> = {
    linear: () => new Linear(7, 5),
    conv2d: () => new Conv2d(6, 4, [3, 5], { groups: 2 }),
    layer_norm: () => new LayerNorm([3, 4]),
  };
  for (const [name, expected] of Object.entries(recorded.initial)) {
    test(`a new ${name}`, () => {
      manualSeed(7);
      const state = modules[name as keyof typeof modules]().stateDict();
      const found = Object.fromEntries([...state].map(([key, tensor]) => [key, leading(tensor)]));
      assert.deepEqual(found, Object.fromEntries(Object.entries(expected).map(([k, v]) => [k, v.map(Math.fround)])));
    });
  }

  const fills: Record<keyof typeof recorded.init, (weight: Tensor) => Tensor> = {
    xavier_uniform: (weight) => init.xavierUniform_(weight, init.calculateGain('relu')),
    xavier_normal: (weight) => init.xavierNormal_(weight, init.calculateGain('tanh')),
    kaiming_uniform_fan_out: (weight) => init.kaimingUniform_(weight, { mode: 'fan_out', nonlinearity: 'selu' }),
    kaiming_normal_slope: (weight) => init.kaimingNormal_(weight, { a: 0.3 }),
    trunc_normal: (weight) => init.truncNormal_(weight, 0.1, 0.5, -0.4, 0.9),
  };
  for (const [name, expected] of Object.entries(recorded.init)) {
    test(name, () => {
      manualSeed(7);
      const weight = fills[name as keyof typeof fills](empty([6, 5, 3, 3]));
      assert.deepEqual(leading(weight), expected.map(Math.fround));
    });
  }
});

test('fans need two dimensions', () => {
  assert.throws(() => init.calculateFan(empty([3])), /two or more dimensions; this tensor is \[3\]/);
});
