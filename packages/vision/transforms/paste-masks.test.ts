import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { decodeMask, type RunLengths } from '@fovea/data/masks';
import { pasteMask, pasteMasks } from './paste-masks.ts';

interface Recorded {
  side: number;
  cases: {
    size: [number, number];
    boxes: number[][];
    masks: number[][];
    sums: number[];
    above: Record<string, number[][]>;
  }[];
}

// From torchvision, by record-pasted-masks.py.
const { side, cases }: Recorded = JSON.parse(
  readFileSync(new URL('../fixtures/pasted-masks.json', import.meta.url), 'utf8'),
);

const pixelsOf = (mask: RunLengths) => [...decodeMask(mask)].flatMap((pixel, i) => (pixel === 1 ? [i] : []));

describe('pixels of masks on an image are those of torchvision', () => {
  for (const { size, boxes, masks, sums, above } of cases) {
    const [height, width] = size;
    for (const [k, box] of boxes.entries()) {
      test(`box ${box} on ${width} × ${height}: probabilities`, () => {
        const { left, top, ...pasted } = pasteMask(Float32Array.from(masks[k]), side, box, { height, width });
        const sum = pasted.probabilities.reduce((total, value) => total + value, 0);
        assert.ok(Math.abs(sum - sums[k]) < 1e-4, `${sum} for ${sums[k]}`);
        const places = [...pasted.probabilities].flatMap((value, i) => {
          const [x, y] = [left + Math.floor(i / pasted.height), top + (i % pasted.height)];
          return value > 0.5 ? [x * height + y] : [];
        });
        assert.deepEqual(places, above['0.5'][k]);
      });
    }
    for (const [threshold, expected] of Object.entries(above)) {
      test(`above ${threshold}, on ${width} × ${height}`, () => {
        const found = { masks: Float32Array.from(masks.flat()), boxes: boxes.flat(), side };
        const pasted = pasteMasks(found, { height, width }, Number(threshold));
        assert.deepEqual(pasted.map(pixelsOf), expected);
      });
    }
  }
});

test('a box that fills the image is one run, one beside it none', () => {
  const found = { masks: new Float32Array(2 * 9).fill(1), boxes: [-20, -20, 40, 40, 30, 2, 35, 8], side: 3 };
  const pasted = pasteMasks(found, { width: 12, height: 10 });
  assert.deepEqual(
    pasted.map(({ counts }) => [...counts]),
    [[0, 120], [120]],
  );
});

test('masks that do not fit their boxes are refused', () => {
  const boxes = [0, 0, 5, 5];
  assert.throws(
    () => pasteMasks({ masks: new Float32Array(8), boxes, side: 3 }, { width: 9, height: 9 }),
    /got 8 numbers/,
  );
});
