import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromTypedArray, tidy } from '@fovea/torch';
import { normalisePixels } from './normalise.ts';
import { normaliseBatch } from './normalise-batch.ts';

const rule = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

test('training and serving normalise alike', () => {
  tidy(() => {
    const pixels = Uint8Array.from({ length: 2 * 16 * 24 * 3 }, (_, i) => (i * 37) % 256);
    const batch = normaliseBatch(fromTypedArray(pixels, [2, 16, 24, 3]), rule);
    assert.deepEqual(batch.shape, [2, 3, 16, 24]);
    assert.equal(batch.dtype, 'float32');
    assert.ok(batch.isContiguous('channels_last'), 'the pixels are not moved');
    const [trained, served] = [batch.data() as Float32Array, normalisePixels(pixels, 16 * 24, rule)];
    trained.forEach((value, i) => {
      assert.ok(Math.abs(value - served[i]) < 1e-6, `at ${i}: ${value} and ${served[i]}`);
    });
  });
});

test('the pixels themselves are left as they are', () => {
  tidy(() => {
    const pixels = new Uint8Array([1, 2, 3]);
    normaliseBatch(fromTypedArray(pixels, [1, 1, 1, 3]), rule);
    assert.deepEqual([...pixels], [1, 2, 3]);
  });
});
