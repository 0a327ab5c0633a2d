import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { bgyw } from './bgyw.ts';
import { heatOfPixels, heatOfRegions, visualize } from './visualization.ts';

test('the scale runs from blue through green and yellow to white', () => {
  assert.deepEqual(bgyw(0), [27, 0, 132]);
  assert.deepEqual(bgyw(1), [255, 255, 255]);
  assert.deepEqual([bgyw(-3), bgyw(7)], [bgyw(0), bgyw(1)]);
  const [red, green, blue] = bgyw(0.5);
  assert.ok(green > red && green > blue);
  const yellow = bgyw(0.85);
  assert.ok(yellow[0] > 200 && yellow[1] > 200 && yellow[2] < 110);
});

test('image, heat map, both, and the most important 30 % of the pixels', async () => {
  const size = 10;
  const pixels = new Uint8Array(size * size * 3).fill(100);
  const heat = Float64Array.from({ length: size * size }, (_, i) => i / (size * size - 1));
  const png = await visualize(pixels, heat, { width: size, height: size });
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.width, info.height, info.channels], [20, 20, 3]);
  const at = (x: number, y: number) => [...data.subarray((y * 20 + x) * 3, (y * 20 + x) * 3 + 3)];
  assert.deepEqual(
    [at(0, 0), at(9, 9)],
    [
      [100, 100, 100],
      [100, 100, 100],
    ],
  );
  assert.deepEqual([at(10, 0), at(19, 9)], [bgyw(0), bgyw(1)]);
  assert.deepEqual(at(9, 19), [178, 178, 178]);
  const shown = Array.from({ length: 100 }, (_, i) => at(10 + (i % 10), 10 + Math.floor(i / 10))[0] === 100);
  assert.deepEqual(
    shown,
    shown.map((_, i) => i >= 70),
  );
});

test('where less than 30 % speaks for the class, the rest is not shown', async () => {
  const heat = new Float64Array(100);
  heat[42] = 1;
  const { data } = await sharp(await visualize(new Uint8Array(300).fill(9), heat, { width: 10, height: 10 }))
    .raw()
    .toBuffer({ resolveWithObject: true });
  let shown = 0;
  for (let y = 10; y < 20; y++) for (let x = 10; x < 20; x++) if (data[(y * 20 + x) * 3] > 0) shown++;
  assert.equal(shown, 1);
});

test('the heat of pixels: what speaks for the class, without the few that exceed all', () => {
  const attributions = new Float32Array(300);
  attributions.fill(1, 0, 100);
  attributions[5] = 1.5;
  attributions[105] = 0.5;
  attributions[7] = -4;
  const heat = heatOfPixels(attributions);
  assert.deepEqual([heat[0], heat[5], heat[7]], [1, 1, 0]);
  assert.ok(heatOfPixels(new Float32Array(12)).every((value) => value === 0));
});

test('the heat of regions: from the least to the most important', () => {
  assert.deepEqual([...heatOfRegions(Float64Array.of(-1, 1, 3))], [0, 0.5, 1]);
  assert.deepEqual([...heatOfRegions(Float64Array.of(2, 2))], [0, 0]);
});
