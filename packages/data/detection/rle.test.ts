import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { outlineOf } from './mask-outline.ts';
import { polygonArea } from './polygon.ts';
import { decodeMask, unpackCounts } from './rle.ts';

interface Recorded {
  readonly counts: readonly number[];
  readonly compressed: string;
  readonly size: readonly [number, number];
}

// From pycocotools 2.0.11.
const recorded: readonly Recorded[] = JSON.parse(
  readFileSync(new URL('../fixtures/run-lengths.json', import.meta.url), 'utf8'),
);

test('run lengths unpack as pycocotools packs them', () => {
  for (const { counts, compressed, size } of recorded) {
    assert.deepEqual(unpackCounts(compressed), counts);
    const mask = decodeMask({ size, counts: compressed });
    assert.equal(
      mask.reduce((sum, value) => sum + value, 0),
      counts.reduce((sum, run, i) => sum + (i % 2) * run, 0),
    );
    assert.deepEqual(decodeMask({ size, counts }), mask);
  }
});

test('a mask is read down its columns', () => {
  assert.deepEqual([...decodeMask({ size: [2, 3], counts: [1, 2, 3] })], [0, 1, 0, 1, 0, 0]);
});

test('run lengths that cannot be are refused', () => {
  for (const counts of [[1, 2], [7], [-1, 7], [1.5, 4.5], 'a', '~', 'PPPPPPPPP'])
    assert.throws(() => decodeMask({ size: [2, 3], counts }), RangeError);
});

/** Whether a point is inside of any of the polygons, counting crossings to its left. */
function isInside(polygons: readonly (readonly number[])[], x: number, y: number): boolean {
  return polygons.some((polygon) => {
    let inside = false;
    for (let i = 0, j = polygon.length - 2; i < polygon.length; j = i, i += 2)
      if (polygon[i + 1] > y !== polygon[j + 1] > y && polygon[i] < x) inside = !inside;
    return inside;
  });
}

test('outlines hold every pixel of the mask, and others only in holes', () => {
  const masks = fc
    .tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 }))
    .chain(([width, height]) =>
      fc.tuple(
        fc.constant(width),
        fc.constant(height),
        fc.uint8Array({ min: 0, max: 1, minLength: width * height, maxLength: width * height }),
      ),
    );
  fc.assert(
    fc.property(masks, ([width, height, mask]) => {
      const { polygons, holes } = outlineOf(mask, width, height);
      let filled = 0;
      for (const [i, value] of mask.entries()) {
        const inside = isInside(polygons, (i % width) + 0.5, Math.floor(i / width) + 0.5);
        if (value === 1) assert.ok(inside);
        else if (inside) filled++;
      }
      assert.equal(filled > 0, holes > 0);
      for (const polygon of polygons) assert.ok(polygonArea(polygon) >= 1);
    }),
    { numRuns: 500 },
  );
});

test('parts that touch at corners are apart, an empty mask has none, corners alone are points', () => {
  const diagonal = outlineOf(Uint8Array.from([1, 0, 0, 1]), 2, 2);
  assert.deepEqual(diagonal, {
    polygons: [
      [0, 0, 1, 0, 1, 1, 0, 1],
      [1, 1, 2, 1, 2, 2, 1, 2],
    ],
    holes: 0,
  });
  assert.deepEqual(outlineOf(new Uint8Array(6), 3, 2), { polygons: [], holes: 0 });
  assert.deepEqual(outlineOf(Uint8Array.from([1, 1, 1, 1, 0, 1, 1, 1, 1]), 3, 3), {
    polygons: [[0, 0, 3, 0, 3, 3, 0, 3]],
    holes: 1,
  });
});
