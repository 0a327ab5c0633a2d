import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import augment from './augment.ts';
import { adjustBrightness, adjustContrast, adjustHue, adjustSaturation } from './colour-adjust.ts';
import { applyColourPlan, type ColourPlan, colourJitter, drawColourJitter } from './colour-jitter.ts';
import { COMPILED, compileColour } from './compile-wasm.ts';
import { pictures } from './figures.ts';
import { torchRandom } from './random.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

test('each adjustment gives the bytes that Pillow gives', async () => {
  for (const { figures, pixels } of await pictures()) {
    assert.equal(sha256(pixels), figures.decoded.sha256_of_hwc_bytes, 'the picture itself');
    const plan = (['brightness', 'contrast', 'saturation', 'hue'] as const).map((operation) => ({
      operation,
      factor: figures.factors[operation],
    }));
    const plans: Record<string, ColourPlan> = {
      ...Object.fromEntries(plan.map((step) => [step.operation, [step]])),
      all_in_order_brightness_contrast_saturation_hue: plan,
      all_in_reverse_order: plan.toReversed(),
    };
    for (const [name, expected] of Object.entries(figures.colorjitter_pil)) {
      const changed = pixels.slice();
      applyColourPlan(changed, plans[name]);
      assert.equal(sha256(changed), expected.sha256_of_hwc_bytes, `${figures.image}, ${name}`);
    }
  }
});

test('hue and saturation agree with Pillow on every one of the 16,777,216 colours', () => {
  // SHA-256 of torchvision 0.14.1 + Pillow 9.4.0 on the image whose pixel i is [i & 255, i >> 8 & 255, i >> 16].
  const cube = new Uint8Array(3 << 24);
  for (let i = 0; i < 1 << 24; i++) {
    cube[3 * i] = i;
    cube[3 * i + 1] = i >> 8;
    cube[3 * i + 2] = i >> 16;
  }
  for (const [adjust, factor, expected] of [
    [adjustSaturation, 1.3, '04c6b8c13231b23c9c2b924da7461fc7f13d5c9ee940e20ba3d4569e6e27c39a'],
    [adjustSaturation, 0.613, 'c8e4c1c307796ad080fb3f8d06057e4bb041ecd68b6574936c5a2ddae91e3797'],
    [adjustHue, -0.3, 'ed3bfba473dccaa31f047590d170a29d61e53eafd8bd70f594705196e2f0450a'],
    [adjustHue, -0.0627, '3574f77e1cd6631a569b34b0a549cb46c56c106779d413944dda6493e15a2419'],
    [adjustHue, 0.1, '8f648cdc2e42e899ba49fc5413e76295a0abf15b2a98ca7b23f843c51dc9adc5'],
    [adjustHue, 0.5, '83e521e683f7c3b0042f03a7791bd01957e81b16f0e1b81497790c4b4e4df25a'],
  ] as const) {
    const changed = cube.slice();
    adjust(changed, factor);
    assert.equal(sha256(changed), expected, `${adjust.name} ${factor}`);
  }
});

test('colour.wasm is what colour.wat compiles to', async () => {
  assert.deepEqual(Buffer.from(await compileColour()), readFileSync(COMPILED));
});

test('an image of any size is changed wholly, and alone', () => {
  for (const pixels of [0, 1, 3, 5, 16, 17, 70_000]) {
    const image = new Uint8Array(pixels * 3).fill(100);
    applyColourPlan(image, [
      { operation: 'contrast', factor: 1.5 },
      { operation: 'brightness', factor: 0.5 },
      { operation: 'saturation', factor: 0.2 },
      { operation: 'hue', factor: 0.3 },
    ]);
    assert.ok(
      image.every((value) => value === 50),
      `${pixels} pixels`,
    );
  }
});

test('neutral factors leave an image as it is', () => {
  const pixels = Uint8Array.from({ length: 3 * 500 }, (_, i) => (i * 89) % 256);
  for (const adjust of [adjustBrightness, adjustContrast, adjustSaturation]) {
    const same = pixels.slice();
    adjust(same, 1);
    assert.deepEqual(same, pixels, adjust.name);
  }
});

test('order and factors are those of torchvision for the same seed', () => {
  // torchvision 0.14.1: ColorJitter(0.4, 0.4, 0.4, 0.1).get_params after torch.manual_seed(3)
  assert.deepEqual(
    drawColourJitter(torchRandom(3), colourJitter({ brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 })),
    [
      { operation: 'saturation', factor: 0.648093044757843 },
      { operation: 'hue', factor: 0.05437317118048668 },
      { operation: 'contrast', factor: 0.977291464805603 },
      { operation: 'brightness', factor: 0.6215639114379883 },
    ],
  );
});

test('an operation of no strength is left out and draws nothing', () => {
  const plan = drawColourJitter(torchRandom(3), colourJitter({ brightness: 0.4 }));
  assert.deepEqual(
    plan.map((step) => step.operation),
    ['brightness'],
  );
});

test('the worker module carries out a plan in place', () => {
  const pixels = new Uint8Array([10, 20, 30, 200, 100, 50]);
  augment(pixels, 2, 1, { colour: [{ operation: 'brightness', factor: 2 }] });
  assert.deepEqual([...pixels], [20, 40, 60, 255, 200, 100]);
});

test('strengths out of range are refused by name', () => {
  assert.throws(() => colourJitter({ contrast: -1 }), /contrast must not be negative/);
  assert.throws(() => colourJitter({ hue: 0.6 }), /hue must be at most 0.5/);
  assert.throws(() => adjustHue(new Uint8Array(3), 0.7), /hue factor 0.7/);
});
