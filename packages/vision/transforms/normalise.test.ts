import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pictures } from './figures.ts';
import { normalisePixels } from './normalise.ts';

test('pixels become what ToTensor and Normalize make of them', async () => {
  for (const { figures, width, height, pixels } of await pictures()) {
    const flipped = new Uint8Array(pixels.length);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const from = 3 * (y * width + x);
        flipped.set(pixels.subarray(from, from + 3), 3 * (y * width + width - 1 - x));
      }
    }
    const plain = { mean: [0, 0, 0], std: [1, 1, 1] };
    const values = normalisePixels(flipped, width * height, plain);
    for (const [i, expected] of figures.hflip_totensor.at) assert.ok(Math.abs(values[i] - expected) < 1e-8, `at ${i}`);

    const { mean, std } = figures.normalize;
    const normalised = normalisePixels(flipped, width * height, { mean, std });
    for (const [i, expected] of figures.hflip_totensor.at) {
      const c = Math.floor(i / (width * height));
      assert.ok(Math.abs(normalised[i] - (expected - mean[c]) / std[c]) < 1e-6, `at ${i}`);
    }
  }
});

test('a batch is its images one after another', () => {
  const pixels = Uint8Array.from({ length: 2 * 3 * 4 }, (_, i) => i * 7);
  const rule = { mean: [0.1, 0.2, 0.3], std: [0.5, 0.6, 0.7] };
  const batch = normalisePixels(pixels, 4, rule);
  const single = [normalisePixels(pixels.subarray(0, 12), 4, rule), normalisePixels(pixels.subarray(12), 4, rule)];
  assert.deepEqual(
    [...batch],
    single.flatMap((image) => [...image]),
  );
});

test('bytes that are not whole images are refused', () => {
  assert.throws(
    () => normalisePixels(new Uint8Array(10), 4, { mean: [0, 0, 0], std: [1, 1, 1] }),
    /not whole RGB images/,
  );
});
