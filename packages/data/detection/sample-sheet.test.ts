import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharp } from '../sharp.ts';
import { sampleSheet } from './sample-sheet.ts';

const picture = (width: number, height: number, value: number) => ({
  width,
  height,
  pixels: new Uint8Array(width * height * 3).fill(value),
});

test('pictures of any size fill their cells, boxes are drawn on them', async () => {
  const box = [0.25, 0.25, 0.75, 0.75] as const;
  const png = await sampleSheet(
    [
      { picture: picture(20, 10, 200), objects: [] },
      { picture: picture(500, 1000, 100), objects: [{ label: 'cat', box }] },
    ],
    { classes: ['cat'], cell: 100 },
  );
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => data[(y * info.width + x) * info.channels];
  assert.deepEqual([info.width, info.height], [2 * 104 + 4, 108]);
  // The first is 100 × 50 in the middle of its cell, the second 50 × 100.
  assert.deepEqual([at(6, 31), at(102, 76)], [200, 200]);
  assert.ok(at(54, 20) < 64 && at(54, 90) < 64);
  assert.deepEqual([at(136, 10), at(158, 54)], [100, 100]);
  const left = 4 + 104 + 25 + 12;
  const line = [left - 1, left, left + 1].map((x) => at(x, 60));
  assert.ok(
    line.some((value) => value !== 100),
    'the edge of the box',
  );
  await assert.rejects(sampleSheet([], { classes: [] }), /needs a picture/);
});
