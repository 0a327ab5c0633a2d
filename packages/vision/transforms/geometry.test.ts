import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pictures } from './figures.ts';
import { centreCrop, randomResizedCrop, resizeShortSide } from './geometry.ts';
import { torchRandom } from './random.ts';

test('the shorter side becomes the size, the longer one is rounded down', async () => {
  for (const { figures, width, height } of await pictures()) {
    const [h, w] = figures.resize_256_pil.shape_hwc;
    assert.deepEqual(resizeShortSide(width, height, 256), { width: w, height: h }, figures.image);
  }
  assert.deepEqual(resizeShortSide(100, 100, 64), { width: 64, height: 64 });
  assert.deepEqual(resizeShortSide(333, 500, 256), { width: 256, height: 384 });
});

test('the offset of a centre crop is rounded half to even', () => {
  // Figures of torchvision 0.14.1 CenterCrop(224).
  assert.deepEqual(centreCrop(256, 384, 224).source, { left: 16, top: 80, width: 224, height: 224 });
  assert.equal(centreCrop(225, 227, 224).source.left, 0, '0.5 goes to 0');
  assert.equal(centreCrop(225, 227, 224).source.top, 2, '1.5 goes to 2');
});

test('an image smaller than the crop stands in the middle of zeros', () => {
  assert.deepEqual(centreCrop(5, 300, 8), { source: { left: 0, top: 146, width: 5, height: 8 }, left: 1, top: 0 });
  assert.deepEqual(centreCrop(4, 3, 8), { source: { left: 0, top: 0, width: 4, height: 3 }, left: 2, top: 2 });
});

test('random resized crops are those of torchvision for the same seed', async () => {
  for (const { figures, width, height } of await pictures()) {
    for (const [seed, expected] of Object.entries(figures.random_resized_crop_params_by_seed.params)) {
      const { top, left, height: h, width: w } = randomResizedCrop(width, height, torchRandom(Number(seed)));
      assert.deepEqual([top, left, h, w], expected, `${figures.image}, seed ${seed}`);
    }
  }
});

test('an image too narrow for any ratio gives its middle', () => {
  // torchvision 0.14.1: RandomResizedCrop.get_params on 500 × 30 after torch.manual_seed(0)
  assert.deepEqual(randomResizedCrop(500, 30, torchRandom(0), { scale: [0.5, 1] }), {
    left: 230,
    top: 0,
    width: 40,
    height: 30,
  });
});

test('a random resized crop lies inside its image, whatever the size', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5000 }),
      fc.integer({ min: 1, max: 5000 }),
      fc.nat(),
      (width, height, seed) => {
        const crop = randomResizedCrop(width, height, torchRandom(seed));
        assert.ok(crop.left >= 0 && crop.top >= 0 && crop.width >= 1 && crop.height >= 1);
        assert.ok(crop.left + crop.width <= width && crop.top + crop.height <= height);
      },
    ),
    { numRuns: 300 },
  );
});

test('an image without area is refused', () => {
  assert.throws(() => resizeShortSide(0, 10, 256), /0 × 10/);
  assert.throws(() => centreCrop(10, Number.NaN, 224), /NaN/);
});
