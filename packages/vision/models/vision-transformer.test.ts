import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromTypedArray, manualSeed, noGrad, randn } from '@fovea/torch';
import resampled from '../fixtures/resampled-positions.json' with { type: 'json' };
import { findModel } from '../registry.ts';
import { resamplePositions } from './resample-positions.ts';
import { VisionTransformer } from './vision-transformer.ts';

const small = (size = 32) => new VisionTransformer({ width: 16, depth: 2, heads: 4 }, 5, size);

test('parameters have the names of timm, in its order', () => {
  const names = [...small().stateDict()].map(([name, { shape }]) => `${name} ${shape}`);
  assert.deepEqual(names.slice(0, 16), [
    'cls_token 1,1,16',
    'pos_embed 1,5,16',
    'patch_embed.proj.weight 16,3,16,16',
    'patch_embed.proj.bias 16',
    'blocks.0.norm1.weight 16',
    'blocks.0.norm1.bias 16',
    'blocks.0.attn.qkv.weight 48,16',
    'blocks.0.attn.qkv.bias 48',
    'blocks.0.attn.proj.weight 16,16',
    'blocks.0.attn.proj.bias 16',
    'blocks.0.norm2.weight 16',
    'blocks.0.norm2.bias 16',
    'blocks.0.mlp.fc1.weight 64,16',
    'blocks.0.mlp.fc1.bias 64',
    'blocks.0.mlp.fc2.weight 16,64',
    'blocks.0.mlp.fc2.bias 16',
  ]);
  assert.deepEqual(names.slice(-4), ['norm.weight 16', 'norm.bias 16', 'head.weight 5,16', 'head.bias 5']);
});

test('ViT-L/16 has as many parameters as published', () => {
  const count = (depth: number) => new VisionTransformer({ width: 1024, depth, heads: 16 }, 1000, 224).parameterCount;
  const oneBlock = count(2) - count(1);
  assert.equal(count(1) + 23 * oneBlock, findModel('vitl16r224').parameters);
});

test('layers_to_freeze counts the patches and every block', () => {
  const stages = (name: string) => findModel(name).freeze;
  assert.deepEqual(stages('vitb16r224').slice(0, 3), ['patch_embed', 'blocks.0.', 'blocks.1.']);
  assert.deepEqual(
    [stages('vits16r224').length, stages('vitb16r224').length, stages('vitl16r224').length],
    [13, 13, 25],
  );
  assert.equal(stages('vitl16r224').at(-1), 'blocks.23.');
});

test('weights begin as in timm: truncated normal, biases at zero, the class token next to nothing', () => {
  manualSeed(1);
  const state = new VisionTransformer({ width: 192, depth: 1, heads: 3 }, 10, 224).stateDict();
  const spread = (name: string) => state.get(name)?.std(null, false).item() ?? Number.NaN;
  for (const name of ['pos_embed', 'blocks.0.attn.qkv.weight', 'blocks.0.mlp.fc2.weight']) {
    assert.ok(Math.abs(spread(name) - 0.02) < 0.0005, `${name}: ${spread(name)}`);
  }
  assert.ok(Math.abs(spread('head.weight') - 0.02) < 0.002);
  assert.ok(spread('cls_token') < 2e-6);
  // The patches' convolution keeps PyTorch's own: uniform in ±1/√fan_in.
  const patches = state.get('patch_embed.proj.weight');
  const bound = 1 / Math.sqrt(3 * 16 * 16);
  assert.ok(patches && patches.abs().max().item() <= bound && patches.abs().max().item() > 0.99 * bound);
  for (const name of ['blocks.0.attn.qkv.bias', 'blocks.0.mlp.fc1.bias', 'head.bias']) assert.equal(spread(name), 0);
});

test('images of another size than it was made for are refused', () => {
  const model = small(48).eval();
  assert.deepEqual(
    noGrad(() => model.forward(randn([2, 3, 48, 48])).shape),
    [2, 5],
  );
  assert.throws(() => model.forward(randn([2, 3, 32, 32])), /images of 32 × 32, but the network was made for 48 × 48/);
  assert.throws(() => small(40), /images of 40 × 40 cannot be cut into patches of 16 × 16/);
});

for (const { old, new: side, width, values } of resampled) {
  test(`a grid of ${old} × ${old} positions becomes ${side} × ${side} as in timm`, () => {
    const sines = Float32Array.from({ length: (1 + old * old) * width }, (_, i) => Math.sin(i));
    const result = resamplePositions(fromTypedArray(sines, [1, 1 + old * old, width]), side);
    assert.deepEqual(result.shape, [1, 1 + side * side, width]);
    const found = result.data() as Float32Array;
    values.forEach((value, i) => {
      assert.ok(Math.abs(value - found[i]) < 1e-5, `${i}: ${found[i]}, expected ${value}`);
    });
  });
}
